package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Pal;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * PAL, parabolic approximation line search: on every batch one more loss, a parabola through it, a jump beyond its minimum.
 * The formulas, the source and the departures from the published code are at {@link Pal}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new PalUpdater())
 *   new NeuralNetConfiguration.Builder().updater(PalUpdater.builder().measuringStep(0.05).build())
 * }</pre>
 * Costs one extra forward pass per iteration; the memory of one parameter vector for the direction
 * (none if {@code directionAdaptation} is 0) and one for the search.
 * <p>
 * The recommended step goes twice as far as the parabola's minimum, where the batch's loss is what it was; the published code
 * goes 1.67 times as far. The curvature of a network gets larger as long as steps are too short for it, and then asks for
 * still shorter ones (V. Roulet et al., "Stepping on the edge: curvature aware learning rate tuners", 2024;
 * zoo-examples/experiments/15-twice-the-minimum.txt).
 */
@JsonDeserialize(builder = PalUpdater.Builder.class)
public final class PalUpdater extends StepSizeUpdater {

    private static final long serialVersionUID = 1;

    private final double measuringStep;
    private final double maxStep;
    private final double directionAdaptation;
    private final double stepAdaptation;
    private final boolean exactSlope;

    /** The recommended settings. */
    public PalUpdater() {
        this(builder());
    }

    private PalUpdater(Builder builder) {
        super(builder);
        measuringStep = Check.positive("measuringStep", builder.measuringStep);
        maxStep = Check.positive("maxStep", builder.maxStep);
        directionAdaptation = Check.fraction("directionAdaptation", builder.directionAdaptation);
        stepAdaptation = Check.positive("stepAdaptation", builder.stepAdaptation);
        exactSlope = builder.exactSlope;
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings: measuring step 1, maximum step 3.16. */
    public static Builder published() {
        return new Builder().measuringStep(1).maxStep(3.16).directionAdaptation(0.4).stepAdaptation(1 / 0.6)
                .exactSlope(true);
    }

    public double getMeasuringStep() {
        return measuringStep;
    }

    public double getMaxStep() {
        return maxStep;
    }

    public double getDirectionAdaptation() {
        return directionAdaptation;
    }

    public double getStepAdaptation() {
        return stepAdaptation;
    }

    public boolean isExactSlope() {
        return exactSlope;
    }

    @Override
    StepRule newRule() {
        return new Pal(measuringStep, maxStep, directionAdaptation, stepAdaptation, exactSlope);
    }

    /** Builds a {@link PalUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends StepSizeUpdater.Builder<Builder> {

        private double measuringStep = 0.1;
        private double maxStep = 0.3;
        private double directionAdaptation = 0.4;
        private double stepAdaptation = 2;
        private boolean exactSlope = true;

        private Builder() {
        }

        /** Distance mu of the second measurement along the unit direction; greater than 0. */
        public Builder measuringStep(double measuringStep) {
            this.measuringStep = measuringStep;
            return this;
        }

        /** Longest step along the unit direction; greater than 0. */
        public Builder maxStep(double maxStep) {
            this.maxStep = maxStep;
            return this;
        }

        /** Share beta of the last direction in the new one; 0 or greater and less than 1. */
        public Builder directionAdaptation(double directionAdaptation) {
            this.directionAdaptation = directionAdaptation;
            return this;
        }

        /** Factor alpha on the distance to the parabola's minimum; greater than 0. */
        public Builder stepAdaptation(double stepAdaptation) {
            this.stepAdaptation = stepAdaptation;
            return this;
        }

        /** Whether the slope at 0 is -(g.d)/|d| (true) or the paper's cheaper -|d| (false). */
        public Builder exactSlope(boolean exactSlope) {
            this.exactSlope = exactSlope;
            return this;
        }

        @Override
        public PalUpdater build() {
            return new PalUpdater(this);
        }
    }
}
