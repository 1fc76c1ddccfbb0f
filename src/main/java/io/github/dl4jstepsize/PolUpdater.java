package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Pol;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.learning.AdamUpdater;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * POL: an averaged stochastic Polyak step along Adam's direction, in units of the natural size of each layer's weights and
 * bounded there; what that size is, {@link io.github.dl4jstepsize.rule.Fan} tells. The formulas and the source are at
 * {@link Pol}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new PolUpdater())
 *   net.addListeners(new StepSizeListener().epochs(10));
 * }</pre>
 * No extra pass; the memory of four parameter vectors, two more than Adam. Give the listener the training's length, or
 * use {@link Builder#averaging}: the steps are too long for the last iterates.
 */
@JsonDeserialize(builder = PolUpdater.Builder.class)
public final class PolUpdater extends AdamDirectionUpdater {

    private static final long serialVersionUID = 1;

    private final double fraction;
    private final boolean scaled;
    private final double minStep;
    private final double maxStep;
    private final int warmUp;
    private final double decay;

    /** The recommended settings. */
    public PolUpdater() {
        this(builder());
    }

    private PolUpdater(Builder builder) {
        super(builder);
        fraction = Check.positive("fraction", builder.fraction);
        scaled = builder.scaled;
        minStep = Check.notNegative("minStep", builder.minStep);
        maxStep = Check.positive("maxStep", builder.maxStep);
        if (maxStep < minStep) {
            throw Check.out("maxStep", maxStep, "minStep, which is " + minStep + ", or greater");
        }
        warmUp = Check.between("warmUp", builder.warmUp, 1, Integer.MAX_VALUE);
        decay = Check.fraction("decay", builder.decay);
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    public double getFraction() {
        return fraction;
    }

    public boolean isScaled() {
        return scaled;
    }

    public double getMinStep() {
        return minStep;
    }

    public double getMaxStep() {
        return maxStep;
    }

    public double getDecay() {
        return decay;
    }

    public int getWarmUp() {
        return warmUp;
    }

    @Override
    StepRule newRule() {
        Pol.Settings settings = new Pol.Settings();
        settings.fraction = fraction;
        settings.scaled = scaled;
        settings.minStep = minStep;
        settings.maxStep = maxStep;
        settings.warmUp = warmUp;
        settings.decay = decay;
        settings.beta2 = getBeta2();
        settings.epsilon = getEpsilon();
        return new Pol(settings);
    }

    @Override
    boolean keepsGradient() {
        return true;
    }

    @Override
    String averagedSquares() {
        return AdamUpdater.V_STATE;
    }

    /** Builds a {@link PolUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends AdamDirectionUpdater.Builder<Builder> {

        private double fraction = 2;
        private boolean scaled = true;
        private double minStep = 0.03;
        private double maxStep = 0.2;
        private int warmUp = 50;
        private double decay = 0.98;

        private Builder() {
        }

        /** Fraction c of the way to a loss of zero on the linearised loss; greater than 0. */
        public Builder fraction(double fraction) {
            this.fraction = fraction;
            return this;
        }

        /** Whether steps are in units of the natural size of each layer's weights, which the bounds are meant for. */
        public Builder scaled(boolean scaled) {
            this.scaled = scaled;
            return this;
        }

        /** Shortest step; 0 or greater. */
        public Builder minStep(double minStep) {
            this.minStep = minStep;
            return this;
        }

        /** Longest step; greater than 0. */
        public Builder maxStep(double maxStep) {
            this.maxStep = maxStep;
            return this;
        }

        /** Decay of the running means of loss and squared gradient; 0 or greater and less than 1. */
        public Builder decay(double decay) {
            this.decay = decay;
            return this;
        }

        /** Iterations until the step has its full length; 1 (none) or greater. */
        public Builder warmUp(int iterations) {
            this.warmUp = iterations;
            return this;
        }

        @Override
        public PolUpdater build() {
            return new PolUpdater(this);
        }
    }
}
