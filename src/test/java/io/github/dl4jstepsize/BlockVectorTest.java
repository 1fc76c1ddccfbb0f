package io.github.dl4jstepsize;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** Vectors made of blocks do what their formulas say. */
class BlockVectorTest {

    private static final int[] LENGTHS = {5, 1, 1000};

    /** Views of one array, as blocks of a network's parameters are. */
    private static INDArray[] blocks(double[] values, DataType type) {
        INDArray all = Nd4j.createFromArray(values).castTo(type);
        INDArray[] blocks = new INDArray[LENGTHS.length];
        int from = 0;
        for (int i = 0; i < LENGTHS.length; i++) {
            blocks[i] = all.get(NDArrayIndex.interval(from, from + LENGTHS[i]));
            from += LENGTHS[i];
        }
        return blocks;
    }

    private static double[] values(INDArray[] blocks) {
        return Nd4j.concat(0, blocks).toDoubleVector();
    }

    private static void assertClose(double[] expected, INDArray[] actual, double tolerance) {
        double[] values = values(actual);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], values[i], tolerance * Math.max(1e-30, Math.abs(expected[i])), "element " + i);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "DOUBLE"})
    void adamIsNotCorrected(DataType type) {
        Random random = new Random(3);
        int length = 1006;
        double[] first = new double[length];
        double[] second = new double[length];
        INDArray[] firsts = blocks(first, type);
        INDArray[] seconds = blocks(second, type);
        // The scale at which Prodigy begins: epsilon and second moments far below single precision's unit.
        double scale = 1e-6;
        for (int t = 0; t < 3; t++) {
            double[] gradient = random.doubles(length, -scale, scale).toArray();
            gradient[0] = 0;
            double[] expected = new double[length];
            for (int i = 0; i < length; i++) {
                first[i] = 0.9 * first[i] + 0.1 * gradient[i];
                second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
                expected[i] = first[i] / (Math.sqrt(second[i]) + 1e-8 * scale);
            }
            INDArray[] gradients = blocks(gradient, type);
            new BlockVector(gradients).adam(new BlockVector(firsts), new BlockVector(seconds), 0.9, 0.999, 1e-8 * scale);
            double tolerance = type == DataType.FLOAT ? 1e-3 : 1e-12;
            assertClose(first, firsts, tolerance);
            assertClose(second, seconds, tolerance);
            assertClose(expected, gradients, tolerance);
        }
    }
}
