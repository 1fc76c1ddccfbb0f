package io.github.dl4jstepsize;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** Vectors made of blocks do what their formulas say. */
class BlockVectorTest {

    private static final int[] LENGTHS = {5, 1, 1000};
    /** Of one piece and a half, of one piece, and of a few elements. */
    private static final int[] LONG = {BlockVector.PIECE + BlockVector.PIECE / 2, BlockVector.PIECE, 7};

    /** Views of one array, as blocks of a network's parameters are. */
    private static INDArray[] blocks(double[] values, DataType type) {
        return blocks(0, values, type, LENGTHS);
    }

    /** As above, some elements behind the beginning of an array. */
    private static INDArray[] blocks(int offset, double[] values, DataType type, int... lengths) {
        INDArray all = Nd4j.concat(0, Nd4j.zeros(DataType.DOUBLE, offset + 1), Nd4j.createFromArray(values)).castTo(type);
        INDArray[] blocks = new INDArray[lengths.length];
        int from = offset + 1;
        for (int i = 0; i < lengths.length; i++) {
            blocks[i] = all.get(NDArrayIndex.interval(from, from + lengths[i]));
            from += lengths[i];
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

    /** What is computed piece by piece. */
    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "DOUBLE"})
    void intermediateResults(DataType type) {
        Random random = new Random(5);
        int length = Arrays.stream(LONG).sum();
        double[] a = random.doubles(length, -1, 1).toArray();
        double[] b = random.doubles(length, -1, 1).toArray();
        double[] c = random.doubles(length, 0, 1).toArray();
        double norm1 = 0;
        double squares = 0;
        double roots = 0;
        double difference = 0;
        double distance = 0;
        double[] added = new double[length];
        double[] divided = new double[length];
        for (int i = 0; i < length; i++) {
            norm1 += Math.abs(a[i]);
            squares += c[i] * b[i] * b[i];
            roots += Math.abs(a[i]) * Math.sqrt(c[i]);
            difference += c[i] * (Math.abs(a[i]) - b[i]);
            distance += (a[i] - b[i]) * (a[i] - b[i]);
            added[i] = c[i] + 3 * b[i] * b[i];
            divided[i] = a[i] / (Math.sqrt(0.9 * added[i] + 0.1 * b[i] * b[i]) + 0.01);
        }
        double[] absolute = Arrays.stream(a).map(Math::abs).toArray();
        INDArray[] blocksOfA = blocks(0, a, type, LONG);
        BlockVector va = new BlockVector(blocksOfA);
        BlockVector vb = va.beside(blocks(1, b, type, LONG));
        INDArray[] blocksOfC = blocks(2, c, type, LONG);
        BlockVector vc = va.beside(blocksOfC);
        double tolerance = type == DataType.FLOAT ? 1e-4 : 1e-12;
        assertEquals(norm1, va.norm1(), tolerance * norm1);
        assertEquals(squares, vc.dotSquares(vb), tolerance * squares);
        BlockVector absoluteOfA = va.beside(blocks(3, absolute, type, LONG));
        assertEquals(roots, absoluteOfA.dotRoot(vc), tolerance * roots);
        assertEquals(difference, vc.dotDifference(absoluteOfA, vb), tolerance * difference);
        assertEquals(Math.sqrt(distance), va.distance(vb), tolerance * Math.sqrt(distance));
        vc.addSquares(3, vb);
        assertClose(added, blocksOfC, type == DataType.FLOAT ? 1e-6 : 1e-15);
        va.divideByRoot(vc, 0.9, vb, 0.01);
        assertClose(divided, blocksOfA, type == DataType.FLOAT ? 1e-5 : 1e-14);
        assertClose(added, blocksOfC, type == DataType.FLOAT ? 1e-6 : 1e-15);
    }

    /**
     * A restored network has its arrays elsewhere, and must go on to the bit. Memory begins at multiples of 16 bytes, and blocks
     * keep their places in it: BLAS kernels for older processors, which OpenBLAS takes where it does not know the processor,
     * sum up in another order between them.
     */
    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "DOUBLE"})
    void sumsDoNotDependOnThePlaceInMemory(DataType type) {
        Random random = new Random(7);
        int alignment = 16 / type.width();
        for (int length : new int[]{37, 1000, 100_003}) {
            double[] values = random.doubles(length, -1, 1).toArray();
            double[] others = random.doubles(length, -1, 1).toArray();
            double[] positive = Arrays.stream(others).map(Math::abs).toArray();
            Set<List<Double>> results = new HashSet<>();
            for (int offset = 0; offset < 16 * alignment; offset += alignment) {
                BlockVector vector = new BlockVector(blocks(offset, values, type, length));
                BlockVector other = vector.beside(blocks(3 * offset, others, type, length));
                BlockVector squares = vector.beside(blocks(5 * offset, positive, type, length));
                results.add(List.of(vector.norm1(), vector.norm(), vector.dot(other), vector.distance(other),
                        other.dotRoot(squares)));
            }
            assertEquals(1, results.size(), length + " elements: " + results);
        }
    }
}
