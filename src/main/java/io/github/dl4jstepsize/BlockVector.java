package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Vector;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** A vector made of one array per block of parameters. Blocks are contiguous, networks with BatchNorm have many. */
final class BlockVector implements Vector {

    /** An iteration so late that the bias corrections of ND4J's Adam are 1. */
    private static final int UNCORRECTED = Integer.MAX_VALUE;

    private final INDArray[] blocks;
    /** For the squares of another vector's elements; allocated when they are asked for. */
    private final INDArray[] squares;

    BlockVector(INDArray[] blocks) {
        this(blocks, new INDArray[blocks.length]);
    }

    private BlockVector(INDArray[] blocks, INDArray[] squares) {
        this.blocks = blocks;
        this.squares = squares;
    }

    /** Another vector, which has its intermediate results where this one has them. */
    BlockVector beside(INDArray[] others) {
        return new BlockVector(others, squares);
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
        INDArray[] others = blocksOf(other);
        for (int i = 0; i < blocks.length; i++) {
            Nd4j.getBlasWrapper().axpy(factor, square(i, others[i]), blocks[i]);
        }
    }

    @Override
    public double dotSquares(Vector other) {
        INDArray[] others = blocksOf(other);
        double sum = 0;
        for (int i = 0; i < blocks.length; i++) {
            sum += Nd4j.getBlasWrapper().dot(blocks[i], square(i, others[i]));
        }
        return sum;
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
        for (INDArray block : blocks) {
            sum += Nd4j.getBlasWrapper().asum(block);
        }
        return sum;
    }

    @Override
    public void divideByRoot(Vector squares, double epsilon) {
        INDArray[] others = blocksOf(squares);
        for (int i = 0; i < blocks.length; i++) {
            blocks[i].divi(Transforms.sqrt(others[i], true).addi(epsilon));
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

    private INDArray square(int block, INDArray other) {
        if (squares[block] == null) {
            squares[block] = Nd4j.createUninitialized(other.dataType(), other.shape());
        }
        return other.mul(other, squares[block]);
    }

    private static INDArray[] blocksOf(Vector vector) {
        return ((BlockVector) vector).blocks;
    }
}
