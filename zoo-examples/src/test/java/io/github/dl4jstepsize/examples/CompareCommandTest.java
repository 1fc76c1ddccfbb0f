package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class CompareCommandTest {

    @TempDir
    Path directory;

    private Run compare(Object... more) {
        Object[] fixed = {"compare", "--workload", "digits-mlp", "--examples", 200, "--updaters", "pal,adam", "--out", directory};
        Object[] all = Arrays.copyOf(fixed, fixed.length + more.length);
        System.arraycopy(more, 0, all, fixed.length, more.length);
        return Run.of(all);
    }

    private JsonNode results() throws IOException {
        return new ObjectMapper().readTree(directory.resolve("compare-digits-mlp/results.json").toFile());
    }

    @Test
    void writesTableCsvJsonAndPage() throws IOException {
        Run run = compare("--epochs", 2, "--seeds", "1,2", "--grid", "sgd=0.01..0.1");

        assertEquals(0, run.exitCode, run::toString);
        for (String updater : List.of("pal", "adam", "sgd=0.01", "sgd=0.032", "sgd=0.1")) {
            assertTrue(run.out.contains("\n" + updater + " "), run::toString);
        }
        Path results = directory.resolve("compare-digits-mlp");
        assertEquals(1 + 5 * 2, Files.readAllLines(results.resolve("results.csv")).size());
        String page = Files.readString(results.resolve("report.html"));
        assertTrue(page.contains("\"name\":\"sgd=0.032\"") && !page.contains("/*DATA*/"), "the page has its data");
        assertFalse(page.contains("src=\"http") || page.contains("@import") || page.contains("fetch("), "self-contained");
        JsonNode pal = results().get("results").get(0);
        assertEquals(14, pal.get("loss").size(), "7 batches in an epoch");
        assertEquals(14, sum(pal.get("forwardPasses")), "one extra forward pass per batch");
        assertEquals(2, pal.get("epochs").asInt());
    }

    @Test
    void identicalUpdatersGiveIdenticalCurves() {
        Comparison.Settings settings = new Comparison.Settings();
        settings.workload = "fashion-cnn";
        settings.updaters = List.of("pal", "pal");
        settings.seeds = List.of(3L);
        settings.batchSize = 16;
        settings.epochs = 2;
        // Dropout: the streams of random numbers have to be the same, too.
        Workload workload = Workloads.named("fashion-cnn");
        TrainTest noise = new TrainTest(noise(64), noise(32));
        Comparison comparison = new Comparison(settings, workload);
        comparison.run(workload, noise, directory);

        Result first = comparison.results.get(0);
        Result second = comparison.results.get(1);
        assertEquals(8, first.loss.size());
        assertEquals(first.loss, second.loss);
        assertEquals(first.stepSize, second.stepSize);
        assertEquals(first.testQuality, second.testQuality);
        assertEquals(8, first.forwardPasses.stream().mapToInt(Integer::intValue).sum(),
                "the loss of the training pass is used, so it is the same random numbers that the trial drew");
        assertNotEquals(first.loss.get(0), first.loss.get(1));
    }

    private static DataSet noise(int examples) {
        INDArray labels = Nd4j.zeros(examples, 10);
        for (int i = 0; i < examples; i++) {
            labels.putScalar(i, i % 10, 1);
        }
        return new DataSet(Nd4j.rand(examples, 784), labels);
    }

    @Test
    void aKilledComparisonGoesOnAsIfNothingHadHappened() throws Exception {
        assertEquals(0, compare("--epochs", 3, "--seeds", "1,2").exitCode);
        JsonNode uninterrupted = results();
        Files.delete(directory.resolve("compare-digits-mlp/results.json"));

        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", classPath, Main.class.getName(), "compare", "--workload", "digits-mlp", "--examples", "200",
                "--updaters", "pal,adam", "--epochs", "3", "--seeds", "1,2", "--out", directory.toString())
                .redirectError(directory.resolve("err").toFile()).redirectOutput(directory.resolve("out").toFile()).start();
        while (process.isAlive() && !Files.exists(directory.resolve("compare-digits-mlp/results.json"))) {
            Thread.sleep(20);
        }
        process.destroy();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertNotEquals(0, process.exitValue(), "it was interrupted, not finished");
        assertTrue(Files.readString(directory.resolve("err")).contains("go on with --resume"));

        Run resumed = compare("--epochs", 3, "--seeds", "1,2", "--resume");
        assertEquals(0, resumed.exitCode, resumed::toString);
        for (int i = 0; i < 4; i++) {
            for (String curve : List.of("updater", "seed", "loss", "stepSize", "testIterations", "testQuality")) {
                assertEquals(uninterrupted.get("results").get(i).get(curve), results().get("results").get(i).get(curve), curve);
            }
        }
    }

    @Test
    void resumingSomethingElseIsExplained() {
        Run.expect(1, "to resume from", compare("--resume"));
        assertEquals(0, compare("--epochs", 1, "--seeds", 1).exitCode);
        Run.expect(1, "belongs to another comparison", compare("--epochs", 1, "--seeds", "1,2", "--resume"));
    }

    @Test
    void aBrokenResultIsNamed() throws IOException {
        Path results = Files.createDirectories(directory.resolve("compare-digits-mlp")).resolve("results.json");
        Files.writeString(results, "{\"settings\":");
        Run.expect(1, results.toString(), compare("--resume"));
    }

    @Test
    void badArgumentsAreNamed() {
        Run.expect(1, "no workload \"mnist\"", Run.of("compare", "--workload", "mnist", "--out", directory));
        Run.expect(1, "no updater \"adm\"", Run.of("compare", "--updaters", "pal,adm", "--out", directory));
        Run.expect(2, "--grid sgd=1..0.1", compare("--grid", "sgd=1..0.1"));
        Run.expect(2, "--grid sgd", compare("--grid", "sgd"));
        Run.expect(1, "leave out the rate", compare("--grid", "pal=0.1..1"));
        Run.expect(2, "--examples has to be 1 or greater", Run.of("compare", "--examples", 0, "--out", directory));
        Run.expect(1, "dataset-fashion-mnist",
                Run.of("compare", "--workload", "fashion-mlp", "--dir", directory, "--out", directory));
        Run.expect(1, directory.toString(),
                Run.of("compare", "--workload", "text-lstm", "--text", directory.resolve("none.txt"), "--out", directory));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text-lstm", "regression"})
    void embeddedWorkloadsRun(String workload) {
        Run run = Run.of("compare", "--workload", workload, "--updaters", "pal,adam", "--seeds", 1, "--epochs", 1,
                "--examples", 100, "--out", directory);
        assertEquals(0, run.exitCode, run::toString);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fashion-mlp", "fashion-cnn", "fashion-resnet", "rows-lstm"})
    void fashionWorkloadsBuild(String name) {
        Workload workload = Workloads.named(name);
        DataSet images = noise(32);
        TrainTest data = new TrainTest(images, images);
        if (name.equals("rows-lstm")) {
            data = FashionMnist.asRows(data);
        }
        Contender contender = Contender.fresh(workload, data, new Result("pal", 1));
        contender.startEpoch();
        contender.fit(data.train);
        contender.fit(data.train);
        assertTrue(Double.isFinite(contender.result().loss.get(1)));
        assertEquals(List.of(1, 1), contender.result().forwardPasses);
    }

    private static int sum(JsonNode array) {
        int sum = 0;
        for (JsonNode node : array) {
            sum += node.asInt();
        }
        return sum;
    }
}
