package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Fan;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * FAN: Adam's direction with a step that follows from the shapes of the layers and the sizes of the network's inputs and
 * targets (in the first batch), a fifth of the natural size of their weights, shorter for batches of fewer than 32 examples, and
 * a weight decay that grows with the number of epochs and leaves biases and gains alone. The formulas and the source are at
 * {@link Fan}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new FanUpdater())
 *   net.addListeners(new StepSizeListener().epochs(10));
 * }</pre>
 * No extra pass; the memory of three parameter vectors, one more than Adam. Give the listener the training's length, or
 * use {@link Builder#averaging}: the step is too long for the last iterates.
 */
@JsonDeserialize(builder = FanUpdater.Builder.class)
public final class FanUpdater extends FanStepUpdater {

    private static final long serialVersionUID = 1;

    /** The recommended settings. */
    public FanUpdater() {
        this(builder());
    }

    private FanUpdater(Builder builder) {
        super(builder);
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    StepRule newRule() {
        return new Fan(getStep(), getWarmUp(), getWeightDecay(), getBeta2());
    }

    /** Builds a {@link FanUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends FanStepUpdater.Builder<Builder> {

        private Builder() {
        }

        @Override
        public FanUpdater build() {
            return new FanUpdater(this);
        }
    }
}
