package io.github.dl4jstepsize.examples;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import javax.imageio.ImageIO;
import java.awt.Color;
import java.awt.Graphics;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
            "--size", 8, "--updater", "pal"};
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
        Run.expect(1, "cannot take images with 3 channel(s)", retrain("--channels", 3));
        Path text = Files.writeString(directory.resolve("weights.zip"), "no network");
        weights = text;
        Run.expect(1, text.toString(), retrain());
        Run.expect(1, "no model \"lenett\"", Run.of("retrain", "--model", "lenett", "--images", images, "--out", directory));
    }
}
