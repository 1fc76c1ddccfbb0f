package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Auto;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * The updater for whoever has no reason to choose another one: nothing to set.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new AutoUpdater())
 *   net.addListeners(new StepSizeListener());
 *   net.fit(iterator, 10);                                       // after each epoch net is the average of its iterates
 *   Model best = StepSizes.averaged(net);                        // batches one by one: a copy with the average, at any time
 * }</pre>
 * The method is that of {@link ScheduleFreeUpdater}, with its recommended settings; in a training whose length is known, that
 * of {@link FanUpdater} from when, with epochs of one batch, the mean loss has fallen to a hundredth of its largest: see
 * {@link Auto}. They are the ones that came nearest to tuned learning rates in this project's comparisons
 * (zoo-examples/experiments); a later version may take others, and then cannot go on with the updater state of networks that
 * this one has saved.
 * <p>
 * A network that has been trained before, as the zoo's or one behind TransferLearning, is recognized by its first loss, and has
 * shorter steps. Three extra passes, in the first iteration; the memory of three parameter vectors, one more than Adam, and of a
 * fourth where the network has constraints.
 */
@JsonDeserialize(builder = AutoUpdater.Builder.class)
public final class AutoUpdater extends StepSizeUpdater {

    private static final long serialVersionUID = 1;

    private static final ScheduleFreeUpdater METHOD = new ScheduleFreeUpdater();

    /** The only settings there are. */
    public AutoUpdater() {
        this(builder());
    }

    private AutoUpdater(Builder builder) {
        super(builder);
    }

    /** A builder whose one property, averaging, changes nothing: the method averages in any case. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    StepRule newRule() {
        return new Auto(METHOD.getStep(), METHOD.getBeta1(), METHOD.getBeta2(), METHOD.getWarmUp(), METHOD.getWeightDecay());
    }

    @Override
    IUpdater base() {
        return METHOD.base();
    }

    @Override
    String averagedSquares() {
        return METHOD.averagedSquares();
    }

    /** Builds an {@link AutoUpdater}. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends StepSizeUpdater.Builder<Builder> {

        private Builder() {
        }

        @Override
        public AutoUpdater build() {
            return new AutoUpdater(this);
        }
    }
}
