package io.github.dl4jstepsize;

/** Base of updaters that make FAN's steps: see {@link io.github.dl4jstepsize.rule.Fan}. */
public abstract class FanStepUpdater extends AdamDirectionUpdater {

    private static final long serialVersionUID = 1;

    /** A thousand times the natural size of a layer's weights: far from anything useful, and from an overflow. */
    private static final double MAX_STEP = 1000;

    private final double step;
    private final int warmUp;
    private final double weightDecay;

    FanStepUpdater(Builder<?> builder) {
        super(builder);
        step = Check.positive("step", builder.step);
        if (step > MAX_STEP) {
            throw Check.out("step", step, "greater than 0 and at most " + MAX_STEP);
        }
        warmUp = Check.between("warmUp", builder.warmUp, 1, Integer.MAX_VALUE);
        weightDecay = Check.notNegative("weightDecay", builder.weightDecay);
    }

    public final double getStep() {
        return step;
    }

    public final int getWarmUp() {
        return warmUp;
    }

    public final double getWeightDecay() {
        return weightDecay;
    }

    /** The common properties of a builder. */
    public abstract static class Builder<B extends Builder<B>> extends AdamDirectionUpdater.Builder<B> {

        private double step = 0.2;
        private int warmUp = 50;
        private double weightDecay = 2e-3;

        Builder() {
        }

        /**
         * The step r, with batches of 32 examples or more, as a part of the natural size of a layer's weights; greater than 0 and
         * at most 1000.
         */
        public B step(double step) {
            this.step = step;
            return self();
        }

        /**
         * Iterations until the step has its full length, which in {@link ScheduleFreeUpdater} it may have earlier; 1 (none) or
         * greater.
         */
        public B warmUp(int iterations) {
            this.warmUp = iterations;
            return self();
        }

        /**
         * How much stronger, with every complete epoch over the same data, weights are pulled towards 0, as a part of their size
         * and of the step; 0 (never) or greater. See {@link io.github.dl4jstepsize.rule.Fan}; this is beside any weight decay of
         * the network's configuration.
         */
        public B weightDecay(double perEpoch) {
            this.weightDecay = perEpoch;
            return self();
        }
    }
}
