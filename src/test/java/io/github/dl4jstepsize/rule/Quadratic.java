package io.github.dl4jstepsize.rule;

import java.util.Arrays;

/**
 * The loss {@code offset + sum(curvature_i x_i^2) / 2} as a training batch: an iteration without a network, which counts
 * the losses it is asked for.
 */
final class Quadratic implements TrainingBatch {

    private static final int VECTORS = 2;

    private final double offset;
    private final double[] curvatures;
    final double[] point;
    private ArrayVector gradient;
    private ArrayVector direction;
    private final ArrayVector[] memory;
    private final ArrayVector[] scratch;
    int batchesPerEpoch;
    /** Losses computed at points other than the present one. */
    int trials;
    /** Factor on the trials' rise above the present loss: -1 turns the line upside down, NaN breaks it. */
    double trialFactor = 1;

    Quadratic(double offset, double[] curvatures, double[] point) {
        this.offset = offset;
        this.curvatures = curvatures;
        this.point = point.clone();
        this.memory = vectors(point.length);
        this.scratch = vectors(point.length);
        prepare();
    }

    private static ArrayVector[] vectors(int length) {
        ArrayVector[] vectors = new ArrayVector[VECTORS];
        for (int i = 0; i < VECTORS; i++) {
            vectors[i] = new ArrayVector(new double[length]);
        }
        return vectors;
    }

    /** A new iteration at the present point, along the gradient. */
    void prepare() {
        double[] g = new double[point.length];
        for (int i = 0; i < g.length; i++) {
            g[i] = curvatures[i] * point[i];
        }
        gradient = new ArrayVector(g);
        direction = gradient;
        trials = 0;
    }

    /** As {@link #prepare}, along the gradient scaled element by element. */
    void prepare(double[] preconditioner) {
        prepare();
        double[] d = gradient.values.clone();
        for (int i = 0; i < d.length; i++) {
            d[i] *= preconditioner[i];
        }
        direction = new ArrayVector(d);
    }

    void move(Step step) {
        for (int i = 0; i < point.length; i++) {
            point[i] -= step.learningRate() * direction.values[i];
        }
    }

    double slope() {
        return gradient.dot(direction);
    }

    /** The loss along the direction. */
    double at(double step) {
        double loss = offset;
        for (int i = 0; i < point.length; i++) {
            double x = point[i] - step * direction.values[i];
            loss += curvatures[i] * x * x / 2;
        }
        return loss;
    }

    @Override
    public double loss() {
        return at(0);
    }

    @Override
    public double loss(double step, Vector along) {
        if (step == 0) {
            return at(0);
        }
        trials++;
        return at(0) + trialFactor * (at(step) - at(0));
    }

    @Override
    public Vector gradient() {
        return gradient;
    }

    @Override
    public Vector direction() {
        return direction;
    }

    @Override
    public Vector memory(int index) {
        return memory[index];
    }

    @Override
    public Vector scratch(int index) {
        return scratch[index];
    }

    @Override
    public Vector parameters() {
        return new ArrayVector(point);
    }

    @Override
    public Vector weightScale() {
        double[] ones = new double[point.length];
        Arrays.fill(ones, 1);
        return new ArrayVector(ones);
    }

    @Override
    public Vector squaredGradient() {
        throw new UnsupportedOperationException("there is no base updater");
    }

    @Override
    public double decay() {
        return 1;
    }

    @Override
    public int size() {
        return 1;
    }

    @Override
    public int batchesPerEpoch() {
        return batchesPerEpoch;
    }

    @Override
    public int examplesPerEpoch() {
        return batchesPerEpoch;
    }

    @Override
    public Losses keep() {
        return this;
    }

    @Override
    public void gradients(double step, Vector along, int parts, GradientConsumer consumer) {
        throw new UnsupportedOperationException("a single example has no parts");
    }
}
