package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Gols;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * GOLS-I, gradient-only line search: looks along each line for the place where the loss stops falling, by the sign of the
 * directional derivative alone, on a new batch at every point. The formulas, the source and the departures from the
 * published code are at {@link Gols}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new GolsUpdater())
 *   new NeuralNetConfiguration.Builder().updater(GolsUpdater.builder().momentum(0).build())
 * }</pre>
 * No extra pass; the memory of one parameter vector for the line.
 */
@JsonDeserialize(builder = GolsUpdater.Builder.class)
public final class GolsUpdater extends StepSizeUpdater {

    private static final long serialVersionUID = 1;

    private final double initialStep;
    private final double minStep;
    private final double maxStep;
    private final double growth;
    private final double c2;
    private final double overshoot;
    private final double momentum;

    /** The recommended settings. */
    public GolsUpdater() {
        this(builder());
    }

    private GolsUpdater(Builder builder) {
        super(builder);
        initialStep = Check.positive("initialStep", builder.initialStep);
        minStep = Check.positive("minStep", builder.minStep);
        maxStep = Check.positive("maxStep", builder.maxStep);
        if (maxStep < minStep) {
            throw Check.out("maxStep", maxStep, "minStep, which is " + minStep + ", or greater");
        }
        if (initialStep < minStep || initialStep > maxStep) {
            throw Check.out("initialStep", initialStep, "between minStep, " + minStep + ", and maxStep, " + maxStep);
        }
        growth = Check.greaterThanOne("growth", builder.growth);
        c2 = Check.fraction("c2", builder.c2);
        overshoot = Check.fraction("overshoot", builder.overshoot);
        momentum = Check.fraction("momentum", builder.momentum);
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published port's settings. The algorithm stays the paper's: the port's sign is inverted. */
    public static Builder published() {
        return new Builder().initialStep(1e-4).minStep(1e-8).maxStep(1e7).growth(2).c2(0.9).overshoot(0)
                .momentum(0.9);
    }

    public double getInitialStep() {
        return initialStep;
    }

    public double getMinStep() {
        return minStep;
    }

    public double getMaxStep() {
        return maxStep;
    }

    public double getGrowth() {
        return growth;
    }

    public double getC2() {
        return c2;
    }

    public double getOvershoot() {
        return overshoot;
    }

    public double getMomentum() {
        return momentum;
    }

    @Override
    StepRule newRule() {
        Gols.Settings settings = new Gols.Settings();
        settings.initialStep = initialStep;
        settings.minStep = minStep;
        settings.maxStep = maxStep;
        settings.growth = growth;
        settings.c2 = c2;
        settings.overshoot = overshoot;
        settings.momentum = momentum;
        return new Gols(settings);
    }

    /** Builds a {@link GolsUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends StepSizeUpdater.Builder<Builder> {

        private double initialStep = 1e-4;
        private double minStep = 1e-8;
        private double maxStep = 1e7;
        private double growth = 2;
        private double c2 = 0.9;
        private double overshoot = 0.9;
        private double momentum = 0.9;

        private Builder() {
        }

        /** First step that is tried; between minStep and maxStep. */
        public Builder initialStep(double initialStep) {
            this.initialStep = initialStep;
            return this;
        }

        /** Shortest step; greater than 0. */
        public Builder minStep(double minStep) {
            this.minStep = minStep;
            return this;
        }

        /** Longest step, unless 1/|d| is shorter; not less than minStep. */
        public Builder maxStep(double maxStep) {
            this.maxStep = maxStep;
            return this;
        }

        /** Factor eta between the points that are tried; greater than 1. */
        public Builder growth(double growth) {
            this.growth = growth;
            return this;
        }

        /**
         * A first point is taken at once if the loss rises there at most c2 times as steeply as it falls at 0; 0 or
         * greater and less than 1.
         */
        public Builder c2(double c2) {
            this.c2 = c2;
            return this;
        }

        /**
         * A step is shortened until the loss rises there at most overshoot times as steeply as it falls at 0; 0 (published) or
         * greater and less than 1.
         */
        public Builder overshoot(double overshoot) {
            this.overshoot = overshoot;
            return this;
        }

        /** Share of the last direction in the new one; 0 or greater and less than 1. */
        public Builder momentum(double momentum) {
            this.momentum = momentum;
            return this;
        }

        @Override
        public GolsUpdater build() {
            return new GolsUpdater(this);
        }
    }
}
