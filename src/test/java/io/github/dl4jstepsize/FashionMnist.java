package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Fashion-MNIST from idx.gz files, pixels in [0,1]. Where: system property {@code fashion.mnist}. */
final class FashionMnist {

    static final int BATCH = 128;
    private static final Path DIRECTORY =
            Path.of(System.getProperty("fashion.mnist", "/usr/share/datasets/fashion-mnist"));
    private static final int CLASSES = 10;

    final INDArray images;
    final INDArray labels;

    private FashionMnist(String name) {
        byte[] pixels = bytes(name + "-images-idx3-ubyte.gz", 16);
        byte[] classes = bytes(name + "-labels-idx1-ubyte.gz", 8);
        float[] scaled = new float[pixels.length];
        for (int i = 0; i < pixels.length; i++) {
            scaled[i] = (pixels[i] & 0xff) / 255f;
        }
        images = Nd4j.create(scaled, new long[]{classes.length, pixels.length / classes.length}, 'c');
        float[] oneHot = new float[classes.length * CLASSES];
        for (int i = 0; i < classes.length; i++) {
            oneHot[i * CLASSES + classes[i]] = 1;
        }
        labels = Nd4j.create(oneHot, new long[]{classes.length, CLASSES}, 'c');
    }

    static FashionMnist training() {
        return new FashionMnist("train");
    }

    static FashionMnist test() {
        return new FashionMnist("t10k");
    }

    /** Skips the test that calls it if the files are not there. */
    static void assumePresent() {
        assumeTrue(Files.exists(DIRECTORY.resolve("train-images-idx3-ubyte.gz")), "Fashion-MNIST is not in " + DIRECTORY
                + ": get its four idx.gz files and name their directory with -Dfashion.mnist=");
    }

    /** The batches' row numbers, in an order that belongs to the seed. */
    List<int[]> shuffledBatches(long seed) {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < images.size(0); i++) {
            order.add(i);
        }
        Collections.shuffle(order, new Random(seed));
        List<int[]> batches = new ArrayList<>();
        for (int i = 0; i < order.size(); i += BATCH) {
            batches.add(order.subList(i, Math.min(i + BATCH, order.size())).stream().mapToInt(n -> n).toArray());
        }
        return batches;
    }

    INDArray images(int[] rows) {
        return images.getRows(rows);
    }

    INDArray labels(int[] rows) {
        return labels.getRows(rows);
    }

    /** Share of correct classifications. */
    double accuracy(MultiLayerNetwork network) {
        int right = 0;
        int chunk = 1000;
        for (int i = 0; i < images.size(0); i += chunk) {
            INDArray out = network.output(images.get(NDArrayIndex.interval(i, i + chunk), NDArrayIndex.all()));
            INDArray truth = labels.get(NDArrayIndex.interval(i, i + chunk), NDArrayIndex.all()).argMax(1);
            right += out.argMax(1).eq(truth).castTo(DataType.INT).sumNumber().intValue();
        }
        return (double) right / images.size(0);
    }

    /** 784-512-256-10, ReLU. */
    static MultiLayerNetwork multiLayerPerceptron(IUpdater updater, long seed) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(seed).updater(updater)
                .list()
                .layer(new DenseLayer.Builder().nIn(784).nOut(512).activation(Activation.RELU).build())
                .layer(new DenseLayer.Builder().nIn(512).nOut(256).activation(Activation.RELU).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nIn(256).nOut(CLASSES)
                        .activation(Activation.SOFTMAX).build())
                .build());
        network.init();
        return network;
    }

    private static byte[] bytes(String file, int header) {
        try (DataInputStream in = new DataInputStream(new GZIPInputStream(
                Files.newInputStream(DIRECTORY.resolve(file))))) {
            in.readNBytes(header);
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
