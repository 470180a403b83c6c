import * as z from "zod";
import {
  BatchDeployment,
  BatchDeploymentPage,
  BatchDeploymentSpec,
  BatchEndpoint,
  BatchEndpointSpec,
  InvokeBatchEndpoint,
  UpdateBatchEndpoint,
} from "../batch-endpoints.ts";
import { Empty, PageQuery, pageOf, WorkspaceParams } from "../common.ts";
import { DeploymentName, EndpointName } from "../endpoints.ts";
import { Job } from "../jobs.ts";
import { defineRoute } from "../route.ts";

const base = "/api/v1/workspaces/{workspace}/batch-endpoints";
const none = z.object({});
const tag = "endpoints";
const EndpointParams = WorkspaceParams.extend({ endpoint: EndpointName });
const DeploymentParams = EndpointParams.extend({ deployment: DeploymentName });

export const batchEndpoints = {
  list: defineRoute({
    id: "batchEndpoints.list",
    method: "GET",
    path: base,
    access: { resource: "endpoint", action: "read" },
    summary: "Batch endpoints",
    tag,
    params: WorkspaceParams,
    query: PageQuery,
    body: undefined,
    answer: pageOf(BatchEndpoint),
  }),
  get: defineRoute({
    id: "batchEndpoints.get",
    method: "GET",
    path: `${base}/{endpoint}`,
    access: { resource: "endpoint", action: "read" },
    summary: "A batch endpoint",
    tag,
    params: EndpointParams,
    query: none,
    body: undefined,
    answer: BatchEndpoint,
  }),
  put: defineRoute({
    id: "batchEndpoints.put",
    method: "PUT",
    path: `${base}/{endpoint}`,
    access: { resource: "endpoint", action: "create" },
    summary: "Make a batch endpoint or replace its settings; its deployments stay",
    tag,
    params: EndpointParams,
    query: none,
    body: BatchEndpointSpec,
    answer: BatchEndpoint,
  }),
  update: defineRoute({
    id: "batchEndpoints.update",
    method: "PATCH",
    path: `${base}/{endpoint}`,
    access: { resource: "endpoint", action: "update" },
    summary: "Change the default deployment and words",
    tag,
    params: EndpointParams,
    query: none,
    body: UpdateBatchEndpoint,
    answer: BatchEndpoint,
  }),
  delete: defineRoute({
    id: "batchEndpoints.delete",
    method: "DELETE",
    path: `${base}/{endpoint}`,
    access: { resource: "endpoint", action: "delete" },
    summary: "Delete a batch endpoint with its deployments; jobs and components stay",
    tag,
    params: EndpointParams,
    query: none,
    body: undefined,
    answer: Empty,
  }),
  invoke: defineRoute({
    id: "batchEndpoints.invoke",
    method: "POST",
    path: `${base}/{endpoint}/invoke`,
    access: { resource: "endpoint", action: "score" },
    summary: "Submit the pipeline of a deployment in the caller's name, who must be allowed to create jobs",
    tag,
    params: EndpointParams,
    query: none,
    body: InvokeBatchEndpoint,
    answer: Job,
    status: 201,
  }),
};

export const batchDeployments = {
  list: defineRoute({
    id: "batchDeployments.list",
    method: "GET",
    path: `${base}/{endpoint}/deployments`,
    access: { resource: "deployment", action: "read" },
    summary: "Deployments of a batch endpoint",
    tag,
    params: EndpointParams,
    query: none,
    body: undefined,
    answer: BatchDeploymentPage,
  }),
  get: defineRoute({
    id: "batchDeployments.get",
    method: "GET",
    path: `${base}/{endpoint}/deployments/{deployment}`,
    access: { resource: "deployment", action: "read" },
    summary: "A deployment of a batch endpoint",
    tag,
    params: DeploymentParams,
    query: none,
    body: undefined,
    answer: BatchDeployment,
  }),
  put: defineRoute({
    id: "batchDeployments.put",
    method: "PUT",
    path: `${base}/{endpoint}/deployments/{deployment}`,
    access: { resource: "deployment", action: "create" },
    summary: "Publish a pipeline component as a version of a batch endpoint, or replace one",
    tag,
    params: DeploymentParams,
    query: none,
    body: BatchDeploymentSpec,
    answer: BatchDeployment,
  }),
  delete: defineRoute({
    id: "batchDeployments.delete",
    method: "DELETE",
    path: `${base}/{endpoint}/deployments/{deployment}`,
    access: { resource: "deployment", action: "delete" },
    summary: "Delete a deployment that is not the default",
    tag,
    params: DeploymentParams,
    query: none,
    body: undefined,
    answer: Empty,
  }),
};
