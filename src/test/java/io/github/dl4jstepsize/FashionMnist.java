package io.github.dl4jstepsize;

import org.junit.jupiter.api.Assumptions;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;

/**
 * The Fashion-MNIST images, pixels in [0, 1], in memory. Files: where Debian's package dataset-fashion-mnist puts them, or
 * the folder that the system property {@code fashion.mnist} names.
 */
final class FashionMnist {

    final DataSet train;
    final DataSet test;

    private FashionMnist(Path folder) throws IOException {
        train = read(folder, "train", 60000);
        test = read(folder, "t10k", 10000);
    }

    /** Skips the calling test, and says why, if the files are absent. */
    static FashionMnist load() throws IOException {
        Path folder = Path.of(System.getProperty("fashion.mnist", "/usr/share/datasets/fashion-mnist"));
        Assumptions.assumeTrue(Files.exists(folder.resolve("train-images-idx3-ubyte.gz")),
                "Fashion-MNIST is not in " + folder + ": install Debian's package dataset-fashion-mnist");
        return new FashionMnist(folder);
    }

    /** Batches of the first {@code count} training images in an order that depends on the seed only. */
    List<DataSet> batches(int count, int batchSize, long seed) {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            order.add(i);
        }
        Collections.shuffle(order, new Random(seed));
        List<DataSet> batches = new ArrayList<>();
        for (int from = 0; from < count; from += batchSize) {
            int[] rows = order.subList(from, Math.min(from + batchSize, count)).stream().mapToInt(i -> i).toArray();
            batches.add(new DataSet(Nd4j.pullRows(train.getFeatures(), 1, rows),
                    Nd4j.pullRows(train.getLabels(), 1, rows)));
        }
        return batches;
    }

    private static DataSet read(Path folder, String name, int count) throws IOException {
        byte[] pixels = bytes(folder.resolve(name + "-images-idx3-ubyte.gz"), 16, count * 784);
        byte[] classes = bytes(folder.resolve(name + "-labels-idx1-ubyte.gz"), 8, count);
        float[] values = new float[pixels.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (pixels[i] & 0xff) / 255f;
        }
        float[] oneHot = new float[count * 10];
        for (int i = 0; i < count; i++) {
            oneHot[10 * i + classes[i]] = 1;
        }
        return new DataSet(Nd4j.create(values, new long[]{count, 784}, DataType.FLOAT),
                Nd4j.create(oneHot, new long[]{count, 10}, DataType.FLOAT));
    }

    private static byte[] bytes(Path file, int header, int length) throws IOException {
        try (DataInputStream in = new DataInputStream(new GZIPInputStream(Files.newInputStream(file)))) {
            in.readNBytes(header);
            return in.readNBytes(length);
        }
    }
}
