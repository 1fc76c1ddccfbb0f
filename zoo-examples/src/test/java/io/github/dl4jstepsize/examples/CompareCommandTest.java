package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

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

    /** Images without content. */
    static DataSet noise(int examples) {
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

        Process process = Run.start(directory, "compare", "--workload", "digits-mlp", "--examples", 200, "--updaters", "pal,adam",
                "--epochs", 3, "--seeds", "1,2", "--out", directory);
        Run.interruptWhen(directory.resolve("compare-digits-mlp/results.json"), process);
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
    void severalWorkloadsInOneCommand() {
        Object[] both = {"compare", "--workload", "digits-mlp,regression", "--examples", 64, "--updaters", "adam", "--epochs", 1,
            "--seeds", 1, "--out", directory};
        Run run = Run.of(both);
        assertEquals(0, run.exitCode, run::toString);
        for (String workload : List.of("digits-mlp", "regression")) {
            assertTrue(Files.exists(directory.resolve("compare-" + workload).resolve("results.json")), run::toString);
        }
        Run.expect(1, "no workload \"mnist\"", Run.of("compare", "--workload", "digits-mlp,mnist", "--out", directory));
    }

    /** The second workload of an interrupted command may not have begun. */
    @Test
    void resumingBeginsWorkloadsThatHaveNotBegun() {
        assertEquals(0, compare("--epochs", 1, "--seeds", 1).exitCode);
        Run run = Run.of("compare", "--workload", "digits-mlp,regression", "--examples", 200, "--updaters", "pal,adam",
                "--epochs", 1, "--seeds", 1, "--out", directory, "--resume");
        assertEquals(0, run.exitCode, run::toString);
        assertTrue(Files.exists(directory.resolve("compare-regression/results.json")), run::toString);
    }

    @Test
    void gridsWithRatesThatFallToZero() throws IOException {
        Run run = compare("--epochs", 2, "--seeds", 1, "--grid", "sgd=0.1..0.1", "--grid-decay", "both");
        assertEquals(0, run.exitCode, run::toString);
        JsonNode constant = results().get("results").get(2);
        JsonNode linear = results().get("results").get(3);
        assertEquals("sgd=0.1", constant.get("updater").asText());
        assertEquals("sgd=0.1:linear", linear.get("updater").asText());
        assertEquals(constant.get("loss").get(0), linear.get("loss").get(0));
        for (int i = 0; i < 14; i++) {
            assertEquals(0.1, constant.get("stepSize").get(i).asDouble());
            assertEquals(0.1 * (14 - i) / 14, linear.get("stepSize").get(i).asDouble(), 1e-12);
        }
        Run.expect(1, "belongs to another comparison", compare("--epochs", 3, "--seeds", 1, "--grid", "sgd=0.1..0.1",
                "--grid-decay", "both", "--resume"));
        Run.expect(2, "--grid-decay", compare("--grid-decay", "cosine"));
    }

    @Test
    void aLinearRateSurvivesSavingAndLoading() {
        assertEquals(0, compare("--updaters", "adam:linear", "--epochs", 2, "--seeds", 1).exitCode);
        Result result = new Result("adam:linear", 1);
        result.epochs = 2;
        IUpdater updater = ((MultiLayerNetwork) Contender.load(directory.resolve("compare-digits-mlp"), result, 14).network()
                .model()).getLayer(0).conf().getLayer().getUpdaterByParam("W");
        assertEquals(new Adam(new LinearSchedule(Adam.DEFAULT_ADAM_LEARNING_RATE, 14)), updater);
        assertEquals(0, updater.getLearningRate(14, 2));
        assertEquals(Adam.DEFAULT_ADAM_LEARNING_RATE / 2, updater.getLearningRate(7, 1));
    }

    @Test
    void oursDecayToo() throws IOException {
        assertEquals(0, compare("--updaters", "l4-adam,l4-adam:linear,l4-adam:averaged", "--epochs", 2, "--seeds", 1).exitCode);
        // After pal and adam.
        JsonNode constant = results().get("results").get(2);
        JsonNode linear = results().get("results").get(3);
        JsonNode averaged = results().get("results").get(4);
        assertEquals(constant.get("loss").get(1), linear.get("loss").get(1), "the first step is the same");
        assertNotEquals(constant.get("loss").get(2), linear.get("loss").get(2));
        assertEquals(constant.get("loss"), averaged.get("loss"), "an average is only kept beside");
        assertNotEquals(constant.get("testQuality"), averaged.get("testQuality"));
    }

    @Test
    void anUpdaterThatFailsDoesNotStopTheOthers() throws IOException {
        Run run = compare("--epochs", 2, "--seeds", 1, "--grid", "sgd=1e9..1e9");
        assertEquals(0, run.exitCode, run::toString);
        assertTrue(run.out.contains("sgd=1.0E9, seed 1, failed after"), run::toString);
        assertEquals(14, results().get("results").get(0).get("loss").size());
        assertTrue(results().get("results").get(2).get("loss").size() < 14);
        Run resumed = compare("--epochs", 3, "--seeds", 1, "--grid", "sgd=1e9..1e9", "--resume");
        assertEquals(0, resumed.exitCode, resumed::toString);
        assertEquals(21, results().get("results").get(0).get("loss").size());
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
    void badArgumentsAreNamed() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "in the way");
        Run.expect(1, file.toString(), Run.of("compare", "--out", file));
        Run.expect(1, "no workload \"mnist\"", Run.of("compare", "--workload", "mnist", "--out", directory));
        Run.expect(1, "random-1, random-2", Run.of("compare", "--workload", "random-x", "--out", directory));
        Run.expect(1, "no workload \"random-007\"", Run.of("compare", "--workload", "random-007", "--out", directory));
        Run.expect(1, "no updater \"adm\"", Run.of("compare", "--updaters", "pal,adm", "--out", directory));
        Run.expect(2, "--grid sgd=1..0.1", compare("--grid", "sgd=1..0.1"));
        Run.expect(2, "--grid sgd", compare("--grid", "sgd"));
        Run.expect(1, "leave out \"0.1\"", compare("--grid", "pal=0.1..1"));
        Run.expect(1, "\"fast\" is neither a learning rate nor \"linear\"", compare("--updaters", "adam=fast"));
        Run.expect(2, "--examples has to be 1 or greater", Run.of("compare", "--examples", 0, "--out", directory));
        Run.expect(1, "dataset-fashion-mnist",
                Run.of("compare", "--workload", "fashion-mlp", "--dir", directory, "--out", directory));
        Run.expect(1, directory.toString(),
                Run.of("compare", "--workload", "text-lstm", "--text", directory.resolve("none.txt"), "--out", directory));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text-lstm", "regression", "regression-unscaled", "ill-conditioned", "random-10", "xor", "iris",
        "sum", "sin", "moons", "saturn"})
    void embeddedWorkloadsRun(String workload) {
        Run run = Run.of("compare", "--workload", workload, "--updaters", "pal,adam", "--seeds", 1, "--epochs", 1,
                "--examples", 100, "--out", directory);
        assertEquals(0, run.exitCode, run::toString);
    }

    static Stream<String> fashionWorkloads() {
        return Stream.concat(Stream.of("fashion-mlp", "fashion-cnn", "fashion-resnet", "rows-lstm"),
                Stream.concat(Workloads.variations().stream().filter(name -> !name.startsWith("regression")),
                        Stream.of("double-layer", "autoencoder")));
    }

    @ParameterizedTest
    @MethodSource("fashionWorkloads")
    void fashionWorkloadsTrain(String name) {
        DataSet images = noise(32);
        TrainTest data = new TrainTest(images, images);
        train(Workloads.named(name), name.startsWith("rows") ? FashionMnist.asRows(data) : data);
    }

    @Test
    void aNumberDrawsOneWorkload() {
        Map<String, Workload> byKind = new HashMap<>();
        for (int number = 1; number <= 60; number++) {
            Workload workload = Workloads.named("random-" + number);
            assertEquals(workload.title, Workloads.named("random-" + number).title);
            assertNotEquals(workload.title, Workloads.named("random-" + (number + 1)).title);
            byKind.put(workload.title.split(",")[0], workload);
        }
        assertEquals(Set.of("perceptron", "convolutional", "lstm", "regression"), byKind.keySet());
        DataSet images = noise(32);
        TrainTest data = new TrainTest(images, images);
        byKind.forEach((kind, workload) -> train(workload, kind.equals("lstm") ? FashionMnist.asRows(data) : data));
    }

    private static void train(Workload workload, TrainTest data) {
        Contender contender = Contender.fresh(workload, data, new Result("pal", 1), 2);
        contender.startEpoch();
        contender.fit(data.train);
        contender.fit(data.train);
        assertTrue(Double.isFinite(contender.result().loss.get(1)));
        assertEquals(List.of(1, 1), contender.result().forwardPasses);
    }

    @Test
    void labelNoiseReplacesAShareOfTheTrainingLabels() {
        DataSet examples = noise(1000);
        TrainTest noisy = new TrainTest(examples, examples).withLabelNoise(0.2);
        INDArray unchanged = noisy.train.getLabels().argMax(1).eq(examples.getLabels().argMax(1));
        assertEquals(1 - 0.2 * 0.9, unchanged.castTo(DataType.DOUBLE).meanNumber().doubleValue(), 0.04,
                "a tenth stays by chance");
        assertEquals(Nd4j.ones(1000), noisy.train.getLabels().sum(1), "one class each");
        assertEquals(examples.getLabels(), noisy.test.getLabels());
    }

    private static int sum(JsonNode array) {
        int sum = 0;
        for (JsonNode node : array) {
            sum += node.asInt();
        }
        return sum;
    }
}
