package io.github.dl4jstepsize.examples;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/** Fashion-MNIST, 60,000 + 10,000 images of 28x28 pixels, from the gzipped idx files; pixels scaled to 0 ... 1. */
final class FashionMnist {

    static final int SIDE = 28;
    private static final int CLASSES = 10;

    /** Where Debian's package dataset-fashion-mnist puts the files. */
    static final Path DEBIAN_DIRECTORY = Path.of("/usr/share/datasets/fashion-mnist");

    private static final int IMAGES = 0x00000803;
    private static final int LABELS = 0x00000801;
    private static final float LARGEST_PIXEL = 255;

    private FashionMnist() {
    }

    static TrainTest load(Path directory) {
        return new TrainTest(read(directory, "train"), read(directory, "t10k"));
    }

    /** The images as sequences of 28 rows: [examples, pixels of a row, rows]. */
    static TrainTest asRows(TrainTest images) {
        return images.withFeatures(
                pixels -> pixels.reshape('c', pixels.size(0), SIDE, SIDE).permute(0, 2, 1).dup('c'));
    }

    private static DataSet read(Path directory, String part) {
        Path images = require(directory.resolve(part + "-images-idx3-ubyte.gz"));
        Path labels = require(directory.resolve(part + "-labels-idx1-ubyte.gz"));
        int pixels = SIDE * SIDE;
        byte[] pixelBytes = content(images, IMAGES, pixels);
        byte[] labelBytes = content(labels, LABELS, 1);
        int examples = labelBytes.length;
        if (pixelBytes.length != examples * pixels) {
            throw new InputException(images + " has " + pixelBytes.length / pixels + " images, but " + labels + " has "
                    + examples + " labels");
        }
        float[] features = new float[pixelBytes.length];
        for (int i = 0; i < features.length; i++) {
            features[i] = (pixelBytes[i] & 0xFF) / LARGEST_PIXEL;
        }
        INDArray oneHot = Nd4j.zeros(examples, CLASSES);
        for (int i = 0; i < examples; i++) {
            if (labelBytes[i] < 0 || labelBytes[i] >= CLASSES) {
                throw new InputException(labels + ": label " + (i + 1) + " is " + labelBytes[i] + ", not 0 to 9");
            }
            oneHot.putScalar(i, labelBytes[i], 1);
        }
        return new DataSet(Nd4j.create(features, new long[]{examples, pixels}, 'c'), oneHot);
    }

    private static Path require(Path file) {
        if (!Files.isReadable(file)) {
            throw new InputException("Fashion-MNIST is not there: " + file + " cannot be read. Install Debian's package"
                    + " dataset-fashion-mnist (apt-get install dataset-fashion-mnist), or fetch the four files"
                    + " *-ubyte.gz from the official source, the repository zalandoresearch/fashion-mnist on GitHub,"
                    + " folder data/fashion, and name their directory with --dir");
        }
        return file;
    }

    /** The bytes behind an idx header. */
    private static byte[] content(Path file, int expectedMagic, int itemLength) {
        try (DataInputStream in = new DataInputStream(new GZIPInputStream(Files.newInputStream(file)))) {
            int magic = in.readInt();
            if (magic != expectedMagic) {
                throw new InputException(file + " is no idx file of the expected kind: it begins with "
                        + Integer.toHexString(magic) + " instead of " + Integer.toHexString(expectedMagic));
            }
            int items = in.readInt();
            if (expectedMagic == IMAGES) {
                int rows = in.readInt();
                int columns = in.readInt();
                if (rows != SIDE || columns != SIDE) {
                    throw new InputException(file + " has images of " + rows + "x" + columns + " pixels, not 28x28");
                }
            }
            byte[] bytes = in.readAllBytes();
            if (bytes.length != (long) items * itemLength) {
                throw new InputException(file + " should hold " + (long) items * itemLength + " bytes of data, but has "
                        + bytes.length);
            }
            return bytes;
        } catch (IOException e) {
            throw new InputException(file + " is broken", e);
        }
    }
}
