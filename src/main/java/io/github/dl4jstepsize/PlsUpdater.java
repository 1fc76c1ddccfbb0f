package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Pls;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * PLS, probabilistic line search: accepts the point of a line at which the Wolfe conditions hold with some probability,
 * given losses and slopes of which each is known with its own noise. The formulas, the source and the departures from the
 * published code are at {@link Pls}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new PlsUpdater())
 *   new NeuralNetConfiguration.Builder().updater(PlsUpdater.builder().momentum(0.5).build())
 * }</pre>
 * Costs one extra gradient pass over the batch per iteration, in four parts (CHUNKS), or one per example (PER_EXAMPLE);
 * the memory of one parameter vector, and of one for the search; with PER_EXAMPLE of three and two. Not for truncated
 * backpropagation through time, {@code miniBatch(false)}, or batches of one example. With BatchNorm each part is
 * normalised by itself, which PER_EXAMPLE does not survive.
 */
@JsonDeserialize(builder = PlsUpdater.Builder.class)
public final class PlsUpdater extends StepSizeUpdater {

    /** What the variances of loss and slope are computed from. */
    public enum Variance {
        /**
         * Single examples: slow. As in the published code, an iteration moves first and then observes its batch at
         * the new place, with gradients that are not clipped.
         */
        PER_EXAMPLE,
        /** The losses and slopes of four parts of the batch. The training pass itself is the observation. */
        CHUNKS
    }

    private static final long serialVersionUID = 1;

    private final double c1;
    private final double wolfeThreshold;
    private final double initialStep;
    private final double targetSlope;
    private final double momentum;
    private final Variance variance;
    private final boolean meanVariance;

    /** The recommended settings. */
    public PlsUpdater() {
        this(builder());
    }

    private PlsUpdater(Builder builder) {
        super(builder);
        c1 = Check.properFraction("c1", builder.c1);
        wolfeThreshold = Check.properFraction("wolfeThreshold", builder.wolfeThreshold);
        initialStep = Check.positive("initialStep", builder.initialStep);
        targetSlope = Check.fraction("targetSlope", builder.targetSlope);
        momentum = Check.fraction("momentum", builder.momentum);
        variance = Check.given("variance", builder.variance);
        meanVariance = builder.meanVariance;
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings and behaviour. */
    public static Builder published() {
        return new Builder().c1(0.05).wolfeThreshold(0.3).initialStep(0.01).targetSlope(0.5).momentum(0)
                .variance(Variance.PER_EXAMPLE).meanVariance(false);
    }

    public double getC1() {
        return c1;
    }

    public double getWolfeThreshold() {
        return wolfeThreshold;
    }

    public double getInitialStep() {
        return initialStep;
    }

    public double getTargetSlope() {
        return targetSlope;
    }

    public double getMomentum() {
        return momentum;
    }

    public Variance getVariance() {
        return variance;
    }

    public boolean isMeanVariance() {
        return meanVariance;
    }

    @Override
    StepRule newRule() {
        Pls.Settings settings = new Pls.Settings();
        settings.c1 = c1;
        settings.wolfeThreshold = wolfeThreshold;
        settings.initialStep = initialStep;
        settings.targetSlope = targetSlope;
        settings.momentum = momentum;
        settings.perExample = variance == Variance.PER_EXAMPLE;
        settings.asPublished = !meanVariance;
        return new Pls(settings);
    }

    /** Builds a {@link PlsUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends StepSizeUpdater.Builder<Builder> {

        private double c1 = 0.05;
        private double wolfeThreshold = 0.3;
        private double initialStep = 0.01;
        private double targetSlope = 0.5;
        private double momentum = 0.9;
        private Variance variance = Variance.CHUNKS;
        private boolean meanVariance = true;

        private Builder() {
        }

        /** Share of the linear decrease that an accepted point has to reach; greater than 0 and less than 1. */
        public Builder c1(double c1) {
            this.c1 = c1;
            return this;
        }

        /** Probability of the Wolfe conditions from which on a point is accepted; greater than 0 and less than 1. */
        public Builder wolfeThreshold(double wolfeThreshold) {
            this.wolfeThreshold = wolfeThreshold;
            return this;
        }

        /** First step that is tried; greater than 0. */
        public Builder initialStep(double initialStep) {
            this.initialStep = initialStep;
            return this;
        }

        /**
         * Slope, by the one at the line's start, of the points that are looked for between observations: beyond the
         * minimum, so that the line is not left too early; 0 or greater and less than 1.
         */
        public Builder targetSlope(double targetSlope) {
            this.targetSlope = targetSlope;
            return this;
        }

        /** Share of the last direction in the new one; 0 (published) or greater and less than 1. */
        public Builder momentum(double momentum) {
            this.momentum = momentum;
            return this;
        }

        /** What the variances of loss and slope are computed from. */
        public Builder variance(Variance variance) {
            this.variance = variance;
            return this;
        }

        /**
         * Whether variances are those of the batch's mean, divided by its size. The published code forgets that: false is its
         * behaviour, also where else it is known to break; {@link Pls} lists how.
         */
        public Builder meanVariance(boolean meanVariance) {
            this.meanVariance = meanVariance;
            return this;
        }

        @Override
        public PlsUpdater build() {
            return new PlsUpdater(this);
        }
    }
}
