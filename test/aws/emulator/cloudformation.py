"""CloudFormation types that the emulator lacks."""

from __future__ import annotations

import definitions
import queues
from ministack.services import ec2
from ministack.services.cloudformation import provisioners

# Maps of names that people choose: their case is theirs.
_FREE = ("Tags", "Parameters", "Options")


def install(_app) -> None:
    provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::Batch::ComputeEnvironment": _batch(
                queues.create_environment,
                queues.update_environment,
                queues.delete_environment,
                name="computeEnvironmentName",
                reference="computeEnvironment",
                arn="computeEnvironmentArn",
                disabled=queues.update_environment,
            ),
            "AWS::Batch::JobQueue": _batch(
                queues.create_queue,
                queues.update_queue,
                queues.delete_queue,
                name="jobQueueName",
                reference="jobQueue",
                arn="jobQueueArn",
                disabled=queues.update_queue,
            ),
            "AWS::Batch::SchedulingPolicy": _batch(
                queues.create_policy, queues.update_policy, queues.delete_policy, name="name", reference="arn", arn="arn"
            ),
            "AWS::Batch::ConsumableResource": _batch(
                queues.create_consumable,
                lambda asked: queues.update_consumable({**asked, "quantity": asked.get("totalQuantity", 0)}),
                queues.delete_consumable,
                name="consumableResourceName",
                reference="consumableResource",
                arn="consumableResourceArn",
            ),
            "AWS::Batch::JobDefinition": _batch(
                definitions.register,
                lambda asked: None,
                definitions.deregister,
                name="jobDefinitionName",
                reference="jobDefinition",
                arn="jobDefinitionArn",
            ),
            "AWS::EC2::SecurityGroupIngress": _rule("IpPermissions"),
            "AWS::EC2::SecurityGroupEgress": _rule("IpPermissionsEgress"),
        }
    )


def _batch(create, update, delete, *, name: str, reference: str, arn: str, disabled=None) -> dict:
    """A type whose properties are the API's in Pascal case, whose reference is an ARN."""

    def created(logical_id, props, stack_name):
        asked = _api_case(props)
        asked.setdefault(name, provisioners._physical_name(stack_name, logical_id, max_len=128))
        found = create(asked)[arn]
        return found, _attributes(found)

    def updated(physical_id, _old, new_props, _stack_name):
        update({**_api_case(new_props), reference: physical_id})
        return physical_id, _attributes(physical_id)

    def deleted(physical_id, _props):
        if disabled is not None:
            disabled({reference: physical_id, "state": "DISABLED"})
        delete({reference: physical_id})

    def _attributes(found: str) -> dict:
        return {arn[0].upper() + arn[1:]: found, "Arn": found}

    return {"create": created, "update": updated, "delete": deleted}


def _api_case(value):
    if isinstance(value, list):
        return [_api_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key[0].lower() + key[1:]: each if key in _FREE else _api_case(each) for key, each in value.items()}


def _rule(store: str) -> dict:
    def change(props: dict, add: bool) -> None:
        group = ec2._security_groups.get(props["GroupId"])
        if group is None:
            return
        rules = provisioners._ec2_sg_permissions([props])
        before, after = ([], rules) if add else (rules, [])
        provisioners._ec2_sg_reconcile(group.setdefault(store, []), before, after)

    def created(logical_id, props, stack_name):
        change(props, add=True)
        rule_id = provisioners._physical_name(stack_name, logical_id, max_len=128)
        return rule_id, {"Id": rule_id}

    def updated(physical_id, old_props, new_props, _stack_name):
        change(old_props, add=False)
        change(new_props, add=True)
        return physical_id, {"Id": physical_id}

    return {"create": created, "update": updated, "delete": lambda _id, props: change(props, add=False)}
