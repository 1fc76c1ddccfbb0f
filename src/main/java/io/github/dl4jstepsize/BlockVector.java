package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Vector;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.floating.Sqrt;
import org.nd4j.linalg.api.ops.impl.transforms.same.Sign;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A vector made of one array per block of parameters. Blocks are contiguous, networks with BatchNorm have many. What needs
 * an intermediate result works on one piece of a block after the other, so that it needs no vector of its own.
 */
final class BlockVector implements Vector {

    /** An iteration so late that the bias corrections of ND4J's Adam are 1. */
    private static final int UNCORRECTED = Integer.MAX_VALUE;

    /** Elements of a piece: fits into a processor's cache, and is long enough to make up for one more operation. */
    static final int PIECE = 1 << 17;

    private final INDArray[] blocks;
    /** Views, made when they are asked for. */
    private INDArray[] pieces;
    private final Intermediate intermediate;

    BlockVector(INDArray[] blocks) {
        this(blocks, new Intermediate(
                Math.min(PIECE, Arrays.stream(blocks).mapToLong(INDArray::length).max().orElse(0))));
    }

    private BlockVector(INDArray[] blocks, Intermediate intermediate) {
        this.blocks = blocks;
        this.intermediate = intermediate;
    }

    /** Another vector, which has its intermediate results where this one has them. */
    BlockVector beside(INDArray[] others) {
        return new BlockVector(others, intermediate);
    }

    @Override
    public long length() {
        return Arrays.stream(blocks).mapToLong(INDArray::length).sum();
    }

    @Override
    public double dot(Vector other) {
        INDArray[] others = blocksOf(other);
        double sum = 0;
        for (int i = 0; i < blocks.length; i++) {
            sum += Nd4j.getBlasWrapper().dot(blocks[i], others[i]);
        }
        return sum;
    }

    @Override
    public double norm() {
        // norm2Number() is an order of magnitude slower than a BLAS dot on the CPU.
        return Math.sqrt(dot(this));
    }

    @Override
    public void assign(Vector other) {
        INDArray[] others = blocksOf(other);
        for (int i = 0; i < blocks.length; i++) {
            blocks[i].assign(others[i]);
        }
    }

    @Override
    public void scale(double factor) {
        for (INDArray block : blocks) {
            block.muli(factor);
        }
    }

    void assignZero() {
        for (INDArray block : blocks) {
            block.assign(0);
        }
    }

    @Override
    public void add(double factor, Vector other) {
        INDArray[] others = blocksOf(other);
        for (int i = 0; i < blocks.length; i++) {
            Nd4j.getBlasWrapper().axpy(factor, others[i], blocks[i]);
        }
    }

    @Override
    public void addSquares(double factor, Vector other) {
        INDArray[] others = piecesOf(other);
        for (int i = 0; i < others.length; i++) {
            Nd4j.getBlasWrapper().axpy(factor, square(others[i]), pieces()[i]);
        }
    }

    @Override
    public double dotSquares(Vector other) {
        INDArray[] others = piecesOf(other);
        double sum = 0;
        for (int i = 0; i < others.length; i++) {
            sum += Nd4j.getBlasWrapper().dot(pieces()[i], square(others[i]));
        }
        return sum;
    }

    @Override
    public double dotRoot(Vector squares) {
        INDArray[] others = piecesOf(squares);
        double sum = 0;
        for (int i = 0; i < others.length; i++) {
            sum += Nd4j.getBlasWrapper().dot(pieces()[i], root(others[i]));
        }
        return sum;
    }

    @Override
    public double dotDifference(Vector minuend, Vector subtrahend) {
        INDArray[] minuends = piecesOf(minuend);
        INDArray[] subtrahends = piecesOf(subtrahend);
        double sum = 0;
        for (int i = 0; i < minuends.length; i++) {
            sum += Nd4j.getBlasWrapper().dot(pieces()[i], difference(minuends[i], subtrahends[i]));
        }
        return sum;
    }

    @Override
    public double distance(Vector other) {
        INDArray[] others = piecesOf(other);
        double sum = 0;
        for (int i = 0; i < others.length; i++) {
            INDArray difference = difference(pieces()[i], others[i]);
            sum += Nd4j.getBlasWrapper().dot(difference, difference);
        }
        return Math.sqrt(sum);
    }

    @Override
    public void multiply(Vector other) {
        INDArray[] others = blocksOf(other);
        for (int i = 0; i < blocks.length; i++) {
            blocks[i].muli(others[i]);
        }
    }

    @Override
    public double norm1() {
        double sum = 0;
        for (INDArray piece : pieces()) {
            // The last digits of BLAS' asum depend on where in memory an array begins, so that a restored network would
            // go on differently.
            INDArray signs = intermediate.like(piece);
            Nd4j.exec(new Sign(piece, signs));
            sum += Nd4j.getBlasWrapper().dot(piece, signs);
        }
        return sum;
    }

    @Override
    public void divideByRoot(Vector squares, double epsilon) {
        INDArray[] others = piecesOf(squares);
        for (int i = 0; i < others.length; i++) {
            pieces()[i].divi(root(others[i]).addi(epsilon));
        }
    }

    @Override
    public void divideByRoot(Vector squares, double decay, Vector gradient, double epsilon) {
        INDArray[] averages = piecesOf(squares);
        INDArray[] gradients = piecesOf(gradient);
        for (int i = 0; i < averages.length; i++) {
            INDArray average = square(gradients[i]).muli(1 - decay);
            Nd4j.getBlasWrapper().axpy(decay, averages[i], average);
            pieces()[i].divi(root(average).addi(epsilon));
        }
    }

    @Override
    public void adam(Vector first, Vector second, double beta1, double beta2, double epsilon) {
        INDArray[] firsts = blocksOf(first);
        INDArray[] seconds = blocksOf(second);
        for (int i = 0; i < blocks.length; i++) {
            Nd4j.exec(new AdamUpdater(blocks[i], seconds[i], firsts[i], 1, beta1, beta2, epsilon, UNCORRECTED));
        }
    }

    private INDArray square(INDArray piece) {
        return piece.mul(piece, intermediate.like(piece));
    }

    private INDArray root(INDArray piece) {
        INDArray roots = intermediate.like(piece);
        Nd4j.exec(new Sqrt(piece, roots));
        return roots;
    }

    private INDArray difference(INDArray minuend, INDArray subtrahend) {
        return minuend.sub(subtrahend, intermediate.like(minuend));
    }

    private INDArray[] pieces() {
        if (pieces == null) {
            List<INDArray> all = new ArrayList<>();
            for (INDArray block : blocks) {
                for (long from = 0; from < block.length(); from += PIECE) {
                    all.add(StateLayout.part(block, from, Math.min(PIECE, block.length() - from)));
                }
            }
            pieces = all.toArray(new INDArray[0]);
        }
        return pieces;
    }

    private static INDArray[] piecesOf(Vector vector) {
        return ((BlockVector) vector).pieces();
    }

    private static INDArray[] blocksOf(Vector vector) {
        return ((BlockVector) vector).blocks;
    }

    /** Room for a piece of an intermediate result; allocated when it is asked for. */
    private static final class Intermediate {

        private final long length;
        private INDArray array;
        /** Views of its beginning, by their lengths. */
        private final Map<Long, INDArray> views = new HashMap<>();

        private Intermediate(long length) {
            this.length = length;
        }

        private INDArray like(INDArray piece) {
            if (array == null) {
                array = Nd4j.createUninitialized(piece.dataType(), length);
            }
            return views.computeIfAbsent(piece.length(), part -> StateLayout.part(array, 0, part));
        }
    }
}
