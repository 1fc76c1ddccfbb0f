package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.ScheduleFree;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.learning.RmsPropUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

import java.util.List;

/**
 * FAN's steps, averaged without a schedule: the network trains beside an average of its iterates, which is as good at any
 * time as the end of a training whose length was known. The formulas and the source are at {@link ScheduleFree}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new ScheduleFreeUpdater())
 *   MultiLayerNetwork best = StepSizes.averaged(net, trainingData);    // at any time
 *   net.addListeners(new StepSizeListener().epochs(10));               // or: net itself is the average after ten epochs
 * }</pre>
 * No extra pass; the memory of three parameter vectors, one more than Adam, and none for the average.
 * {@code averaging(true)} changes nothing. {@code beta1}, greater than 0, is how far from the iterates to the average the
 * gradient is taken, in the place of Adam's momentum.
 */
@JsonDeserialize(builder = ScheduleFreeUpdater.Builder.class)
public final class ScheduleFreeUpdater extends AdamDirectionUpdater {

    private static final long serialVersionUID = 1;

    /** A thousand times the natural size of a layer's weights: far from anything useful, and from an overflow. */
    private static final double MAX_STEP = 1000;

    private final double step;
    private final int warmUp;
    private final double weightDecay;

    /** The recommended settings. */
    public ScheduleFreeUpdater() {
        this(builder());
    }

    private ScheduleFreeUpdater(Builder builder) {
        super(builder);
        step = Check.positive("step", builder.step);
        if (step > MAX_STEP) {
            throw Check.out("step", step, "greater than 0 and at most " + MAX_STEP);
        }
        Check.properFraction("beta1", getBeta1());
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
        return new ScheduleFree(step, getBeta1(), getBeta2(), warmUp, weightDecay);
    }

    @Override
    IUpdater base() {
        return new CorrectedRmsProp(getBeta2(), getEpsilon());
    }

    @Override
    String averagedSquares() {
        return RmsPropUpdater.G_STATE;
    }

    @Override
    List<?> settings() {
        return List.of(step, warmUp, weightDecay, getBeta1(), getBeta2(), getEpsilon());
    }

    /** Builds a {@link ScheduleFreeUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends AdamDirectionUpdater.Builder<Builder> {

        private double step = 0.2;
        private int warmUp = 50;
        private double weightDecay = 2e-3;

        private Builder() {
        }

        /** The step r as a part of the natural size of a layer's weights; greater than 0 and at most 1000. */
        public Builder step(double step) {
            this.step = step;
            return this;
        }

        /** Iterations until the step has its full length; 1 (none) or greater. */
        public Builder warmUp(int iterations) {
            this.warmUp = iterations;
            return this;
        }

        /** As {@link FanUpdater.Builder#weightDecay}; 0 (never) or greater. */
        public Builder weightDecay(double perEpoch) {
            this.weightDecay = perEpoch;
            return this;
        }

        @Override
        public ScheduleFreeUpdater build() {
            return new ScheduleFreeUpdater(this);
        }
    }
}
