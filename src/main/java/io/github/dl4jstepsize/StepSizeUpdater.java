package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.StepRule;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.core.type.TypeReference;

import java.util.Map;
import java.util.TreeMap;

/**
 * Base of all updaters that find their step size while a network trains: use one as
 * {@code new NeuralNetConfiguration.Builder().updater(new LabPalUpdater())} and add a {@link StepSizeListener} to the
 * network. Everything else, from {@code fit} to {@code ModelSerializer}, stays as it is.
 * <p>
 * These objects are immutable settings. What a method remembers is part of the network's updater state, which DL4J
 * saves, restores and copies. Two updaters are equal if they are of the same class with the same settings.
 * <p>
 * The learning rate that DL4J reports ({@code net.getLearningRate(i)}, the training UI) is the factor on the direction
 * in the last iteration. It cannot be set: {@link #setLrAndSchedule} throws. {@code WeightDecay} becomes a part of the
 * direction and is scaled with it. A network can have layers with other updaters: they keep their own learning rates,
 * and their parameters do not take part in the search. It cannot have two different updaters of this kind.
 * Parameters have to be FLOAT or DOUBLE.
 */
public abstract class StepSizeUpdater implements IUpdater {

    private static final long serialVersionUID = 1;
    /** What DL4J's mapper calls the class of an updater. */
    private static final String CLASS = "@class";

    /** The last factor on the direction, for display; null before the first. */
    private transient volatile Double learningRate;

    private final boolean averaging;

    StepSizeUpdater(Builder<?> builder) {
        averaging = builder.averaging;
    }

    /** Whether an average of the iterates is kept: beside the parameters, or by the method itself. */
    public final boolean isAveraging() {
        return averaging || newRule().averages();
    }

    /** A new instance of the algorithm with these settings. */
    abstract StepRule newRule();

    /** All properties by their names: what equality means. */
    final Map<String, Object> settings() {
        Map<String, Object> properties =
                NeuralNetConfiguration.mapper().convertValue(this, new TypeReference<TreeMap<String, Object>>() { });
        properties.remove(CLASS);
        return properties;
    }

    /** The updater that turns the gradient into the direction, with learning rate 1; NoOp leaves the gradient as it is. */
    IUpdater base() {
        return new NoOp();
    }

    /** Whether the rule needs the gradient after the base updater has overwritten it. */
    boolean keepsGradient() {
        return false;
    }

    /**
     * The name of the base updater's state that takes the place of the gradient in the rule's eyes: an average of the
     * gradients, without correction of its bias. Null for the gradient itself. Not for rules that look ahead, because the base
     * updater's state then follows after the search.
     */
    String averagedGradient() {
        return null;
    }

    /**
     * The name of the base updater's state that holds its running average of squared gradients; null for none. Not for rules
     * that look ahead.
     */
    String averagedSquares() {
        return null;
    }

    /** What the search looks at. */
    Objective objective() {
        return Objective.LOSS;
    }

    void publishLearningRate(double learningRate) {
        this.learningRate = learningRate;
    }

    @Override
    public long stateSize(long numParams) {
        return StateLayout.of(this).size(numParams, 1);
    }

    @Override
    public GradientUpdater<?> instantiate(INDArray viewArray, boolean initializeViewArray) {
        if (initializeViewArray) {
            viewArray.assign(0);
        }
        return new DirectionUpdater(this, viewArray);
    }

    @Override
    public GradientUpdater<?> instantiate(Map<String, INDArray> updaterState, boolean initializeStateArrays) {
        throw onlyForNetworks();
    }

    UnsupportedOperationException onlyForNetworks() {
        return new UnsupportedOperationException(getClass().getSimpleName() + " works on networks of Deeplearning4j"
                + " (MultiLayerNetwork, ComputationGraph), not on SameDiff or single arrays");
    }

    /** The factor on the direction in the last iteration; NaN, which DL4J shows as no learning rate, before the first. */
    @Override
    public double getLearningRate(int iteration, int epoch) {
        Double known = learningRate;
        return known == null ? Double.NaN : known;
    }

    @Override
    public boolean hasLearningRate() {
        return true;
    }

    /** Always throws: the step size is the result of a search. */
    @Override
    public void setLrAndSchedule(double lr, ISchedule lrSchedule) {
        throw new UnsupportedOperationException(getClass().getSimpleName() + " computes its step size; a learning rate"
                + " cannot be set. Use another updater, e.g. Sgd or Adam, for layers with a learning rate of their own");
    }

    /** With the same settings, and without the learning rate of a network that this one trains. */
    @Override
    public IUpdater clone() {
        try {
            StepSizeUpdater clone = (StepSizeUpdater) super.clone();
            clone.learningRate = null;
            return clone;
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return this == other || other != null && getClass() == other.getClass()
                && settings().equals(((StepSizeUpdater) other).settings());
    }

    @Override
    public int hashCode() {
        return settings().hashCode();
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + settings();
    }

    /** The properties that all step size updaters share. */
    public abstract static class Builder<B extends Builder<B>> {

        private boolean averaging;

        Builder() {
        }

        /**
         * Whether to keep an average of the iterates beside the parameters, for {@link StepSizes#averaged}:
         * {@code a = a + min(1, 9/(t + 8)) (w - a)} after iteration t; from the 100th on only every second w, later every third
         * to every eighth, which counts for those before it. It weighs the last ninth of a training most, needs no horizon,
         * and is, like a decay, worth more than most choices of a method. Costs the memory of one parameter vector, which is
         * saved with the network. False unless set.
         */
        public B averaging(boolean averaging) {
            this.averaging = averaging;
            return self();
        }

        @SuppressWarnings("unchecked")
        final B self() {
            return (B) this;
        }

        /** @throws IllegalArgumentException if a property is out of range */
        public abstract StepSizeUpdater build();
    }
}
