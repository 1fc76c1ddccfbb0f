package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Fan;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

import java.util.List;

/**
 * FAN: Adam's direction with a step that follows from the shapes of the layers and the size of the network's inputs (in the
 * first batch), a fifth of the natural size of their weights, and a weight decay that grows with the number of epochs. The
 * formulas and the source are at {@link Fan}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new FanUpdater())
 *   net.addListeners(new StepSizeListener().epochs(10));
 * }</pre>
 * No extra pass; the memory of three parameter vectors, one more than Adam. Give the listener the training's length, or
 * use {@link Builder#averaging}: the step is too long for the last iterates.
 */
@JsonDeserialize(builder = FanUpdater.Builder.class)
public final class FanUpdater extends AdamDirectionUpdater {

    private static final long serialVersionUID = 1;

    private final double step;
    private final int warmUp;
    private final double weightDecay;

    /** The recommended settings. */
    public FanUpdater() {
        this(builder());
    }

    private FanUpdater(Builder builder) {
        super(builder);
        step = Check.positive("step", builder.step);
        warmUp = Check.between("warmUp", builder.warmUp, 1, Integer.MAX_VALUE);
        weightDecay = Check.notNegative("weightDecay", builder.weightDecay);
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    public double getStep() {
        return step;
    }

    public int getWarmUp() {
        return warmUp;
    }

    public double getWeightDecay() {
        return weightDecay;
    }

    @Override
    StepRule newRule() {
        return new Fan(step, warmUp, weightDecay);
    }

    @Override
    List<?> settings() {
        return List.of(step, warmUp, weightDecay, getBeta1(), getBeta2(), getEpsilon());
    }

    /** Builds a {@link FanUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends AdamDirectionUpdater.Builder<Builder> {

        private double step = 0.2;
        private int warmUp = 50;
        private double weightDecay = 2e-3;

        private Builder() {
        }

        /** The step r as a part of the natural size of a layer's weights; greater than 0. */
        public Builder step(double step) {
            this.step = step;
            return this;
        }

        /** Iterations until the step has its full length; 1 (none) or greater. */
        public Builder warmUp(int iterations) {
            this.warmUp = iterations;
            return this;
        }

        /**
         * How much stronger, with every complete epoch, weights are pulled towards 0, as a part of their size and of the
         * step; 0 (never) or greater. See {@link Fan}; this is beside any weight decay of the network's configuration.
         */
        public Builder weightDecay(double perEpoch) {
            this.weightDecay = perEpoch;
            return this;
        }

        @Override
        public FanUpdater build() {
            return new FanUpdater(this);
        }
    }
}
