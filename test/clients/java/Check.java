import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.mlflow.api.proto.Service.CreateExperiment;
import org.mlflow.api.proto.Service.ExperimentTag;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunInfo;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.ActiveRun;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowContext;
import org.mlflow.tracking.MlflowHttpException;
import org.mlflow.tracking.creds.BasicMlflowHostCreds;

/** What the Java client does with a server, step by step. Prints `CHECK name` after each; ends with 1 at the first that fails. */
public final class Check {
  private static final String NAME = "java-" + System.nanoTime();

  public static void main(String[] args) throws Exception {
    // An address alone reads no token from the environment.
    String token = System.getenv("MLFLOW_TRACKING_TOKEN");
    MlflowClient client = new MlflowClient(new BasicMlflowHostCreds(System.getenv("MLFLOW_TRACKING_URI"), token));
    String experiment = experiments(client);
    String run = runs(client, experiment);
    search(client, experiment, run);
    fluent(client);
    artifacts(client, run);
    registry(client, run);
    client.close();
  }

  private static String experiments(MlflowClient client) {
    CreateExperiment request = CreateExperiment.newBuilder().setName(NAME)
        .addTags(ExperimentTag.newBuilder().setKey("kind").setValue("java")).build();
    String id = client.createExperiment(request);
    client.setExperimentTag(id, "more", "ü");
    same(NAME, client.getExperiment(id).getName());
    same(id, client.getExperimentByName(NAME).orElseThrow().getExperimentId());
    same(true, client.getExperimentByName(NAME + "-absent").isEmpty());
    client.renameExperiment(id, NAME + "-new");
    client.deleteExperiment(id);
    same("deleted", client.getExperiment(id).getLifecycleStage());
    client.restoreExperiment(id);
    same(1, client.searchExperiments("name = '" + NAME + "-new' AND tags.kind = 'java'").getItems().size());
    refused(400, () -> client.createExperiment(NAME + "-new"));
    refused(404, () -> client.getExperiment("987654321"));
    return told("experiments", id);
  }

  private static String runs(MlflowClient client, String experiment) {
    RunInfo made = client.createRun(experiment);
    String id = made.getRunId();
    client.logParam(id, "lr", "0.1");
    client.logMetric(id, "loss", 2.5);
    client.logMetric(id, "loss", 1.5, System.currentTimeMillis() + 1, 7);
    client.setTag(id, "team", "x");
    client.setTag(id, "gone", "y");
    client.deleteTag(id, "gone");
    List<Metric> metrics = List.of(
        Metric.newBuilder().setKey("nan").setValue(Double.NaN).setTimestamp(1).setStep(1).build(),
        Metric.newBuilder().setKey("big").setValue(1e300).setTimestamp(1).setStep(-1).build());
    client.logBatch(id, metrics, List.of(Param.newBuilder().setKey("p").setValue("q").build()),
        List.of(RunTag.newBuilder().setKey("t").setValue("u").build()));
    refused(400, () -> client.logParam(id, "lr", "0.2"));
    client.setTerminated(id, RunStatus.FINISHED);

    Run run = client.getRun(id);
    Map<String, Double> latest =
        run.getData().getMetricsList().stream().collect(Collectors.toMap(Metric::getKey, Metric::getValue));
    same(Map.of("loss", 1.5, "nan", Double.NaN, "big", 1e300), latest);
    same(List.of(0L, 7L), client.getMetricHistory(id, "loss").stream().map(Metric::getStep).toList());
    same(List.of("lr", "p"), run.getData().getParamsList().stream().map(Param::getKey).sorted().toList());
    same(RunStatus.FINISHED, run.getInfo().getStatus());
    same(true, run.getInfo().getEndTime() >= run.getInfo().getStartTime());
    client.deleteRun(id);
    same("deleted", client.getRun(id).getInfo().getLifecycleStage());
    client.restoreRun(id);
    return told("runs", id);
  }

  private static void search(MlflowClient client, String experiment, String run) {
    for (int i = 0; i < 5; i++) client.setTerminated(client.createRun(experiment).getRunId());
    same(List.of(run), client.searchRuns(List.of(experiment), "metrics.loss < 2 and params.lr = '0.1'").stream()
        .map(RunInfo::getRunId).toList());
    var page = client.searchRuns(List.of(experiment), "", ViewType.ACTIVE_ONLY, 4, List.of("start_time ASC"));
    same(4, page.getPageSize());
    same(2, page.getNextPage().getPageSize());
    told("search", "");
  }

  private static void fluent(MlflowClient client) {
    MlflowContext context = new MlflowContext(client);
    context.setExperimentName(NAME + "-new");
    ActiveRun run = context.startRun("parent");
    run.logParams(Map.of("a", "1", "b", "2"));
    run.logMetrics(Map.of("m", 1.0, "n", 2.0), 3);
    run.setTags(Map.of("k", "v"));
    ActiveRun child = context.startRun("child", run.getId());
    child.endRun(RunStatus.FAILED);
    run.endRun();
    same(2, client.getRun(run.getId()).getData().getParamsCount());
    same(RunStatus.FAILED, client.getRun(child.getId()).getInfo().getStatus());
    told("fluent", "");
  }

  /** The client hands files to `mlflow artifacts` of the Python package. */
  private static void artifacts(MlflowClient client, String run) throws Exception {
    Path folder = Files.createTempDirectory("java-check");
    Path file = Files.writeString(folder.resolve("hello.txt"), "hello");
    client.logArtifact(run, file.toFile(), "texts");
    client.logArtifacts(run, folder.toFile(), "all");
    same(List.of("all", "texts"), client.listArtifacts(run).stream().map(it -> it.getPath()).sorted().toList());
    same("texts/hello.txt", client.listArtifacts(run, "texts").get(0).getPath());
    File back = client.downloadArtifacts(run, "texts/hello.txt");
    same("hello", Files.readString(back.toPath()));
    told("artifacts", "");
  }

  private static void registry(MlflowClient client, String run) throws Exception {
    client.sendPost("registered-models/create", "{\"name\":\"" + NAME + "\"}");
    String source = client.getRun(run).getInfo().getArtifactUri() + "/all";
    client.sendPost("model-versions/create",
        "{\"name\":\"" + NAME + "\",\"source\":\"" + source + "\",\"run_id\":\"" + run + "\"}");
    client.sendPost("model-versions/transition-stage",
        "{\"name\":\"" + NAME + "\",\"version\":\"1\",\"stage\":\"Production\"}");
    same(NAME, client.getRegisteredModel(NAME).getName());
    same("1", client.getLatestVersions(NAME, List.of("Production")).get(0).getVersion());
    same(run, client.getModelVersion(NAME, "1").getRunId());
    same(source, client.getModelVersionDownloadUri(NAME, "1"));
    same(1, client.searchModelVersions("name = '" + NAME + "'").getItems().size());
    File model = client.downloadModelVersion(NAME, "1");
    same("hello", Files.readString(model.toPath().resolve("hello.txt")));
    told("registry", "");
  }

  private static <T> T told(String check, T value) {
    System.out.println("CHECK " + check);
    return value;
  }

  private static void same(Object expected, Object actual) {
    if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", not " + actual);
  }

  private static void refused(int status, Runnable call) {
    try {
      call.run();
    } catch (MlflowHttpException error) {
      same(status, error.getStatusCode());
      return;
    }
    throw new AssertionError("was not refused");
  }
}
