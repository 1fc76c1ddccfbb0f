package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.ScheduleFree;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.learning.RmsPropUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * FAN's steps, averaged without a schedule: the network trains beside an average of its iterates, which is as good at any
 * time as the end of a training whose length was known; where the loss falls towards 0, steps get shorter with it. The
 * formulas and the source are at {@link ScheduleFree}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new ScheduleFreeUpdater())
 *   net.fit(iterator, 10);                                             // after each epoch net is the average
 *   MultiLayerNetwork best = StepSizes.averaged(net);                  // a copy with the average, at any time
 * }</pre>
 * Batches of fewer than 32 examples make shorter steps, as in {@link io.github.dl4jstepsize.rule.Fan}.
 * <p>
 * A network that has been trained before has shorter steps. Three extra passes, in the first iteration; the memory of three
 * parameter vectors, one more than Adam, and none for the average; of a fourth where the network has constraints. {@code
 * averaging} changes nothing: the method averages in any case. {@code beta1}, greater than 0, is how far from the iterates to
 * the average the gradient is taken, in the place of Adam's momentum.
 */
@JsonDeserialize(builder = ScheduleFreeUpdater.Builder.class)
public final class ScheduleFreeUpdater extends FanStepUpdater {

    private static final long serialVersionUID = 1;

    /** The recommended settings. */
    public ScheduleFreeUpdater() {
        this(builder());
    }

    private ScheduleFreeUpdater(Builder builder) {
        super(builder);
        Check.properFraction("beta1", getBeta1());
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    StepRule newRule() {
        return new ScheduleFree(getStep(), getBeta1(), getBeta2(), getWarmUp(), getWeightDecay());
    }

    @Override
    IUpdater base() {
        return new CorrectedRmsProp(getBeta2(), getEpsilon());
    }

    @Override
    String averagedSquares() {
        return RmsPropUpdater.G_STATE;
    }

    /** Builds a {@link ScheduleFreeUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends FanStepUpdater.Builder<Builder> {

        private Builder() {
        }

        @Override
        public ScheduleFreeUpdater build() {
            return new ScheduleFreeUpdater(this);
        }
    }
}
