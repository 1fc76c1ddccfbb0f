package io.github.dl4jstepsize;

import org.nd4j.linalg.learning.config.IUpdater;

/** Base of updaters whose direction is Adam's: the settings of its averages. */
public abstract class AdamDirectionUpdater extends StepSizeUpdater {

    private static final long serialVersionUID = 1;

    private final double beta1;
    private final double beta2;
    private final double epsilon;

    AdamDirectionUpdater(Builder<?> builder) {
        super(builder);
        beta1 = Check.fraction("beta1", builder.beta1);
        beta2 = Check.fraction("beta2", builder.beta2);
        epsilon = Check.positive("epsilon", builder.epsilon);
    }

    public final double getBeta1() {
        return beta1;
    }

    public final double getBeta2() {
        return beta2;
    }

    public final double getEpsilon() {
        return epsilon;
    }

    @Override
    IUpdater base() {
        return new CorrectedAdam(beta1, beta2, epsilon);
    }

    /** The common properties of a builder. */
    public abstract static class Builder<B extends Builder<B>> extends StepSizeUpdater.Builder<B> {

        private double beta1 = 0.9;
        private double beta2 = 0.999;
        private double epsilon = 1e-8;

        Builder() {
        }

        /** Decay of the averaged gradient; 0 or greater and less than 1. */
        public B beta1(double beta1) {
            this.beta1 = beta1;
            return self();
        }

        /** Decay of the averaged squared gradient; 0 or greater and less than 1. */
        public B beta2(double beta2) {
            this.beta2 = beta2;
            return self();
        }

        /** Added to the root of the averaged squared gradient; greater than 0. */
        public B epsilon(double epsilon) {
            this.epsilon = epsilon;
            return self();
        }
    }
}
