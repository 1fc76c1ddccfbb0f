package io.github.dl4jstepsize.rule;

/**
 * The loss {@code offset + sum(curvature_i x_i^2) / 2} as a training batch: an iteration without a network, which counts
 * the losses it is asked for.
 */
final class Quadratic extends ArrayBatch {

    /** The most that a tested rule has. */
    private static final int MEMORY_VECTORS = 2;

    private final double offset;
    private final double[] curvatures;
    /** Losses computed at points other than the present one. */
    int trials;
    /** Times that a rule asked for the loss at the present one. */
    int starts;
    /** Factor on the trials' rise above the present loss: -1 turns the line upside down, NaN breaks it. */
    double trialFactor = 1;

    Quadratic(double offset, double[] curvatures, double[] start) {
        super(MEMORY_VECTORS, start);
        this.offset = offset;
        this.curvatures = curvatures;
        prepare();
    }

    /** A new iteration at the present point, along the gradient. */
    void prepare() {
        gradient = new ArrayVector(curvatures.clone());
        gradient.multiply(parameters());
        direction = gradient;
        trials = 0;
        starts = 0;
    }

    /** As {@link #prepare}, along the gradient scaled element by element. */
    void prepare(double[] preconditioner) {
        prepare();
        direction = new ArrayVector(gradient.values.clone());
        direction.multiply(new ArrayVector(preconditioner));
    }

    double slope() {
        return gradient.dot(direction);
    }

    /** The loss along the direction. */
    double at(double step) {
        double[] x = displaced(step, direction);
        double loss = offset;
        for (int i = 0; i < x.length; i++) {
            loss += curvatures[i] * x[i] * x[i] / 2;
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
            starts++;
            return at(0);
        }
        trials++;
        return at(0) + trialFactor * (at(step) - at(0));
    }

    @Override
    public Losses keep() {
        return this;
    }
}
