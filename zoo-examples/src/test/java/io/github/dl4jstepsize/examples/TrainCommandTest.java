package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

import javax.imageio.ImageIO;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class TrainCommandTest {

    @TempDir
    Path directory;

    @Test
    void palLearnsTheDigitsInThreeEpochs() throws IOException {
        Run run = Run.of("train", "--updater", "pal", "--epochs", 3, "--out", directory);

        assertEquals(0, run.exitCode, run::toString);
        assertTrue(run.out.contains("Backend "), run::toString);
        assertTrue(accuracy(run, "pal") > 80, run::toString);
        assertTrue(accuracy(run, "adam") > 80, run::toString);
        assertTrue(run.err.contains("step"), "the progress bar shows the step size\n" + run);
        BufferedImage picture = ImageIO.read(directory.resolve("train-digits-pal.png").toFile());
        assertTrue(picture.getWidth() >= 800 && picture.getHeight() >= 600, "readable size");
    }

    @Test
    void withoutACommandItTrains() {
        Run run = Run.of("--updater", "sgd=0.1", "--baseline", "none", "--epochs", 1, "--out", directory);

        assertEquals(0, run.exitCode, run::toString);
        assertTrue(accuracy(run, "sgd=0.1") > 10, run::toString);
        assertTrue(Files.exists(directory.resolve("train-digits-sgd=0.1.png")), run::toString);
    }

    /** Also behind an equals sign, and in the baseline: with the same steps the same network comes out. */
    @Test
    void stepsOfTheBaselineFallToo() {
        Run linear = Run.of("train", "--data", "digits-mlp", "--updater", "pal:linear", "--baseline", "pal=linear", "--epochs", 2,
                "--out", directory);
        Run constant = Run.of("train", "--data", "digits-mlp", "--updater", "pal", "--baseline", "none", "--epochs", 2,
                "--out", directory);

        assertEquals(0, linear.exitCode, linear::toString);
        assertEquals(accuracy(linear, "pal:linear"), accuracy(linear, "pal=linear"), linear::toString);
        assertNotEquals(accuracy(linear, "pal:linear"), accuracy(constant, "pal"), linear::toString);
    }

    /** What DL4J's page asks for to draw the chart of learning rates of the first layer. */
    @Test
    void theTrainingUiShowsTheStepSizeOfALayer() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            System.setProperty("org.deeplearning4j.ui.port", String.valueOf(free.getLocalPort()));
        }
        Run run = Run.of("train", "--updater", "pal", "--baseline", "none", "--epochs", 1, "--out", directory, "--ui");
        assertEquals(0, run.exitCode, run::toString);

        Matcher address = Pattern.compile("training UI: (http://localhost:[0-9]+)").matcher(run.out);
        assertTrue(address.find(), run::toString);
        JsonNode rates = new ObjectMapper().readTree(new URL(address.group(1) + "/train/model/data/1")).get("learningRates");
        assertTrue(rates.get("lrs").get("W").size() > 0, rates::toString);
        for (JsonNode rate : rates.get("lrs").get("W")) {
            assertTrue(rate.asDouble() > 0, rates::toString);
        }
        int port = new URL(address.group(1)).getPort();
        for (NetworkInterface network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            for (InetAddress outside : Collections.list(network.getInetAddresses())) {
                if (!outside.isLoopbackAddress()) {
                    assertThrows(IOException.class, () -> new Socket(outside, port).close(), "for this machine only");
                }
            }
        }
    }

    @Test
    void resumingGivesTheAccuracyOfAnUninterruptedTraining() {
        Object[] whole = {"train", "--updater", "pal", "--baseline", "none", "--epochs", 2, "--out", directory};
        Run uninterrupted = Run.of(whole);

        Path checkpoint = directory.resolve("checkpoint");
        Run first = Run.of("train", "--updater", "pal", "--baseline", "none", "--epochs", 1, "--out", directory,
                "--checkpoint", checkpoint);
        Run second = Run.of("train", "--updater", "pal", "--baseline", "none", "--epochs", 2, "--out", directory,
                "--checkpoint", checkpoint, "--resume");

        assertEquals(0, first.exitCode, first::toString);
        assertTrue(second.out.contains("Resuming after epoch 1"), second::toString);
        assertEquals(accuracy(uninterrupted, "pal"), accuracy(second, "pal"), second.toString());
    }

    @Test
    void anInterruptedTrainingGoesOn() throws Exception {
        Object[] command = {"train", "--data", "digits-mlp", "--updater", "pal", "--baseline", "none", "--epochs", 100, "--out",
            directory, "--checkpoint", directory};
        Run.interruptWhen(directory.resolve("model.zip"), Run.start(directory, command));
        assertTrue(Files.readString(directory.resolve("err")).contains("go on with --resume"));
        int done = Network.load(directory.resolve("model.zip")).epochs();
        assertTrue(done >= 1 && done < 100, "epochs done: " + done);

        Run resumed = Run.of("train", "--data", "digits-mlp", "--updater", "pal", "--baseline", "none", "--epochs", done + 1,
                "--out", directory, "--checkpoint", directory, "--resume");
        assertEquals(0, resumed.exitCode, resumed::toString);
        assertTrue(resumed.out.contains("Resuming after epoch " + done), resumed::toString);
        assertEquals(done + 1, Network.load(directory.resolve("model.zip")).epochs());
    }

    @Test
    void resumingWithAnotherUpdaterOrOtherDataIsRefused() {
        Object[] common = {"--baseline", "none", "--out", directory, "--checkpoint", directory};
        for (String updater : List.of("labpal", "adam=0.01")) {
            Run first = Run.of(Stream.concat(Stream.of("train", "--data", "regression", "--updater", updater, "--epochs", 1),
                    Stream.of(common)).toArray());
            assertEquals(0, first.exitCode, first::toString);
            for (String other : List.of("labpal-sgd", "labpal-sgd:linear")) {
                Run.expect(1, "but --updater " + other + " is", Run.of(Stream.concat(Stream.of("train", "--data", "regression",
                        "--updater", other, "--epochs", 2, "--resume"), Stream.of(common)).toArray()));
            }
            Run.expect(1, "that of --data digits-mlp has", Run.of(Stream.concat(Stream.of("train", "--data", "digits-mlp",
                    "--updater", updater, "--epochs", 2, "--resume"), Stream.of(common)).toArray()));
        }
    }

    @Test
    void resumingWithoutACheckpointIsExplained() {
        Run.expect(2, "--checkpoint DIR", Run.of("train", "--resume"));
        Run.expect(1, "to resume from", Run.of("train", "--resume", "--checkpoint", directory, "--out", directory));
    }

    @Test
    void aBrokenCheckpointIsNamed() throws IOException {
        Path model = Files.writeString(directory.resolve("model.zip"), "no network");
        Run.expect(1, model.toString(), Run.of("train", "--resume", "--checkpoint", directory, "--out", directory));
    }

    @Test
    void badArgumentsAreNamed() {
        Run.expect(2, "--epochs has to be 1 or greater, but is 0", Run.of("train", "--epochs", 0, "--out", directory));
        Run.expect(2, "--batch has to be 1 or greater, but is -5", Run.of("train", "--batch", -5, "--out", directory));
        Run.expect(1, "no workload \"cifar\"", Run.of("train", "--data", "cifar", "--out", directory));
        Run.expect(2, "--nonsense", Run.of("train", "--nonsense"));
        Run.expect(1, "no updater \"adm\"", Run.of("train", "--updater", "adm", "--out", directory));
        Run.expect(1, "leave out \"0.1\"", Run.of("train", "--updater", "pal=0.1", "--out", directory));
        Run.expect(1, "neither a learning rate nor", Run.of("train", "--updater", "sgd=fast", "--out", directory));
        Run.expect(1, "greater than 0", Run.of("train", "--updater", "sgd=-1", "--out", directory));
    }

    @Test
    void anOutputDirectoryThatCannotBeWrittenIsNamedBeforeTraining() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "in the way");
        Run run = Run.of("train", "--out", file.resolve("out"));
        Run.expect(1, file.resolve("out").toString(), run);
        assertTrue(run.out.isEmpty(), run::toString);
    }

    @Test
    void missingFashionMnistNamesPackageAndSource() {
        Run run = Run.of("train", "--data", "fashion-mnist", "--dir", directory, "--out", directory);
        Run.expect(1, "dataset-fashion-mnist", run);
        Run.expect(1, "zalandoresearch/fashion-mnist", run);
    }

    @Test
    void brokenFashionMnistNamesTheFile() throws IOException {
        for (String name : new String[]{"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"}) {
            Files.writeString(directory.resolve(name), "not gzipped");
        }
        Run.expect(1, "train-images-idx3-ubyte.gz is broken",
                Run.of("train", "--data", "fashion-mnist", "--dir", directory, "--out", directory));
    }

    @Test
    void helpExplains() {
        Run run = Run.of("train", "--help");
        assertEquals(0, run.exitCode);
        assertTrue(run.out.contains("labpal") && run.out.contains("nesterovs"), run::toString);
        assertTrue(Run.of("--help").out.contains("CC BY 4.0"), "the licence of the data");
    }

    private static double accuracy(Run run, String updater) {
        Matcher matcher = Pattern.compile(Pattern.quote(updater) + " +test accuracy ([0-9.]+) %").matcher(run.out);
        assertTrue(matcher.find(), run::toString);
        return Double.parseDouble(matcher.group(1));
    }
}
