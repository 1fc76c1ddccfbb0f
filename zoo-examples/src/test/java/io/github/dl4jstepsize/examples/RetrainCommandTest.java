package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.zoo.model.SqueezeNet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.dataset.DataSet;

import javax.imageio.ImageIO;
import java.awt.Color;
import java.awt.Graphics;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class RetrainCommandTest {

    @TempDir
    Path directory;

    private Path images;
    private Path weights;

    /** Light rectangles above and below the middle of dark images, and LeNet for 8x8 pixels. */
    @BeforeEach
    void makeImagesAndWeights() throws IOException {
        images = directory.resolve("images");
        Random random = new Random(1);
        for (String name : new String[]{"above", "below"}) {
            Path folder = Files.createDirectories(images.resolve(name));
            for (int i = 0; i < 20; i++) {
                BufferedImage image = new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB);
                Graphics graphics = image.getGraphics();
                graphics.setColor(new Color(random.nextInt(60), random.nextInt(60), random.nextInt(60)));
                graphics.fillRect(0, 0, 40, 30);
                graphics.setColor(Color.WHITE);
                graphics.fillRect(random.nextInt(20), (name.equals("above") ? 0 : 15) + random.nextInt(5), 20, 10);
                ImageIO.write(image, "png", folder.resolve(i + ".png").toFile());
            }
        }
        weights = directory.resolve("lenet.zip");
        new Network(Networks.leNet(Digits.load(), Updaters.named("adam", 1), 1)).save(weights);
    }

    private Run retrain(Object... more) {
        Object[] fixed = {"retrain", "--model", "lenet", "--images", images, "--weights", weights, "--out", directory,
            "--size", 8};
        Object[] all = Arrays.copyOf(fixed, fixed.length + more.length);
        System.arraycopy(more, 0, all, fixed.length, more.length);
        return Run.of(all);
    }

    @Test
    void digitsAreRetrainedOffline() {
        Run run = Run.of("retrain", "--updater", "pal", "--epochs", 2, "--out", directory);
        assertEquals(0, run.exitCode, run::toString);
        for (String name : new String[]{"digits-0-4.zip", "model.zip", "model-frozen.zip", "retrain.png"}) {
            assertTrue(Files.exists(directory.resolve("retrain").resolve(name)), name + "\n" + run);
        }
        assertTrue(run.out.contains("5-9, frozen") && run.out.contains("5-9, unfrozen"), run::toString);
        Run resumed = Run.of("retrain", "--updater", "pal", "--epochs", 3, "--out", directory, "--resume");
        assertEquals(0, resumed.exitCode, resumed::toString);
        assertTrue(resumed.out.contains("5-9, frozen   resumed after epoch 2"), resumed::toString);
        Run.expect(2, "--weights is for images", Run.of("retrain", "--weights", weights, "--out", directory));
    }

    @Test
    void imagesAreLearnedAndTheFrozenLayersStay() {
        Run run = retrain("--epochs", 6, "--batch", 8, "--freeze-to", "maxpool1");
        assertEquals(0, run.exitCode, run::toString);
        assertTrue(run.out.contains("32 training and 8 test images of the classes above, below"), run::toString);
        double accuracy = Double.parseDouble(run.out.replaceAll("(?s).*test accuracy ([0-9.]+) %.*", "$1"));
        assertTrue(accuracy > 85, run::toString);
        Network before = Network.load(weights);
        Network after = Network.load(directory.resolve("retrain/model.zip"));
        assertEquals(before.model().getParam("0_W"), after.model().getParam("0_W"), "frozen");
        assertEquals(2, after.model().getParam("5_b").length(), "a new head for two classes");
    }

    /** What is tested is the average, which is saved beside the network that training goes on with; Auto's network is its average. */
    @ParameterizedTest
    @CsvSource({"auto, true", "sls:averaged, false"})
    void anAverageIsTestedAndSaved(String updater, boolean isItsAverage) throws IOException {
        Run run = retrain("--updater", updater, "--epochs", 6, "--batch", 8);
        assertEquals(0, run.exitCode, run::toString);
        Path averaged = directory.resolve("retrain/averaged-model.zip");
        assertTrue(run.out.contains("saved as " + averaged), run::toString);
        double accuracy = Double.parseDouble(run.out.replaceAll("(?s).*test accuracy ([0-9.]+) %.*", "$1"));
        Pixels pixels = PretrainedModel.named("lenet").pixels;
        assertEquals(accuracy / 100, Network.load(averaged).accuracy(
                new ImageFolder(images, 1, 8, pixels, false, 1).testing(8)), 1e-4);
        Network model = Network.load(directory.resolve("retrain/model.zip"));
        assertEquals(isItsAverage, model.model().params().equals(Network.load(averaged).model().params()));
    }

    @Test
    void resumingWithAnotherUpdaterIsRefused() {
        assertEquals(0, retrain("--updater", "auto:linear", "--epochs", 2, "--batch", 8).exitCode);
        Run.expect(1, "trained with AutoUpdater",
                retrain("--updater", "pal", "--epochs", 3, "--batch", 8, "--resume"));
    }

    /** A model of the zoo as a user would have it: a graph whose head is a convolution, in a zip. */
    @Test
    void aZooModelInAZipIsRetrained() throws IOException {
        weights = directory.resolve("squeezenet.zip");
        new Network(SqueezeNet.builder().inputShape(new int[]{3, 48, 48}).numClasses(7).seed(1).build().init()).save(weights);
        Object[] command = {"retrain", "--model", "squeezenet", "--images", images, "--weights", weights, "--out", directory,
            "--size", 48, "--epochs", 2, "--batch", 8, "--updater", "pal", "--freeze-to", "fire5"};
        Run run = Run.of(command);
        assertEquals(0, run.exitCode, run::toString);
        command[command.length - 1] = "fire55";
        Run.expect(1, "no layer \"fire55\"; its layers are conv1", Run.of(command));

        ComputationGraph before = (ComputationGraph) Network.load(weights).model();
        ComputationGraph after = (ComputationGraph) Network.load(directory.resolve("retrain/model.zip")).model();
        for (String frozen : List.of("conv1_W", "fire5_exp1x1_W", "fire5_exp3x3_W")) {
            assertEquals(before.getParam(frozen), after.getParam(frozen), frozen);
        }
        assertNotEquals(before.getParam("fire9_exp3x3_W"), after.getParam("fire9_exp3x3_W"), "trained");
        assertEquals(2, after.getParam("conv10_b").length(), "a new head for two classes");
        assertEquals(2, after.getEpochCount());
        assertEquals(List.of("above", "below"), Files.readAllLines(directory.resolve("retrain/classes.txt")));
        assertTrue(Files.readString(directory.resolve("retrain/evaluation.txt")).contains("Confusion Matrix"));
    }

    @Test
    void anInterruptedRetrainingGoesOn() throws Exception {
        Object[] command = {"retrain", "--model", "lenet", "--images", images, "--weights", weights, "--out", directory,
                "--size", 8, "--batch", 1, "--epochs", 40, "--freeze-to", "maxpool1"};
        Run.interruptWhen(directory.resolve("retrain/model.zip"), Run.start(directory, command));
        assertTrue(Files.readString(directory.resolve("err")).contains("go on with --resume"));
        int done = Network.load(directory.resolve("retrain/model.zip")).epochs();
        assertTrue(done >= 1 && done < 40, "epochs done: " + done);

        Run resumed = retrain("--batch", 1, "--epochs", done + 2, "--resume");
        assertEquals(0, resumed.exitCode, resumed::toString);
        assertTrue(resumed.out.contains("resumed after epoch " + done), resumed::toString);
        assertEquals(done + 2, Network.load(directory.resolve("retrain/model.zip")).epochs());
        Run complete = retrain("--batch", 1, "--epochs", done + 2, "--resume");
        assertEquals(0, complete.exitCode, complete::toString);
        assertTrue(complete.out.contains("all epochs were complete"), complete::toString);

        Files.move(images.resolve("above"), images.resolve("over"));
        Run.expect(1, "was trained on the classes above, below", retrain("--resume"));
    }

    /** The images of one class are red, those of the other are blue; nothing but the order of the colours differs. */
    @Test
    void coloursArriveInTheOrderAndRangeOfTheWeights() throws IOException {
        Path colours = directory.resolve("colours");
        for (Color color : new Color[]{Color.BLUE, Color.RED}) {
            Path folder = Files.createDirectories(colours.resolve(color == Color.RED ? "red" : "blue"));
            for (int i = 0; i < 2; i++) {
                BufferedImage image = new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB);
                Graphics graphics = image.getGraphics();
                graphics.setColor(color);
                graphics.fillRect(0, 0, 4, 4);
                ImageIO.write(image, "png", folder.resolve(i + ".PNG").toFile());
            }
        }
        double[][] red = {{1, 0, 0}, {1, -1, -1}, {0 - 103.939, 0 - 116.779, 255 - 123.68}};
        for (Pixels pixels : Pixels.values()) {
            DataSet batch = new ImageFolder(colours, 3, 4, pixels, true, 1).testing(2).next();
            int row = batch.getLabels().getInt(0, 1) == 1 ? 0 : 1;
            for (int channel = 0; channel < 3; channel++) {
                assertEquals(red[pixels.ordinal()][channel], batch.getFeatures().getDouble(row, channel, 1, 1), 1e-3,
                        pixels + " " + channel);
            }
        }
    }

    @Test
    void brokenImagesAndFoldersAreNamed() throws IOException {
        Path broken = Files.writeString(images.resolve("above/broken.png"), "no image");
        Run.expect(1, broken.toString(), retrain());
        Files.delete(broken);

        Path empty = Files.createDirectories(images.resolve("circles"));
        Run.expect(1, empty + " has 0 images", retrain());
        Files.delete(empty);

        images = images.resolve("above");
        Run.expect(1, images + " has to have a folder for each of at least two classes", retrain());
        images = directory.resolve("nowhere");
        Run.expect(1, images.toString(), retrain());
    }

    @Test
    void whatDoesNotFitTheNetworkIsExplained() throws IOException {
        Run.expect(1, "no layer \"cnn9\"; its layers are cnn1, maxpool1", retrain("--freeze-to", "cnn9"));
        Run.expect(1, weights + " cannot take images with 3 channel(s)", retrain("--channels", 3));
        Run.expect(1, "to resume from", retrain("--resume"));
        Path text = Files.writeString(directory.resolve("weights.zip"), "no network");
        weights = text;
        Run.expect(1, text + " holds no network", retrain());
        weights = directory.resolve("none.zip");
        Run.expect(1, "there is no file " + weights, retrain());
        Path file = Files.writeString(directory.resolve("file"), "in the way");
        Run.expect(1, file.toString(), Run.of("retrain", "--out", file));
        Run.expect(1, "no model \"lenett\"", Run.of("retrain", "--model", "lenett", "--images", images, "--out", directory));
    }
}
