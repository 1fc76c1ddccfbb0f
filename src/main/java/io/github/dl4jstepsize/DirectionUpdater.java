package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;

import java.util.Map;
import java.util.function.IntSupplier;

/**
 * The part of a {@link StepSizeUpdater} that runs inside DL4J's update pipeline, one per block of parameters: turns the
 * block's gradient into its direction with the base updater. Works only while a {@link StepSizeSearch}, which a
 * {@link StepSizeListener} has put into the network, is there to scale the direction.
 */
@SuppressWarnings("rawtypes")
final class DirectionUpdater implements GradientUpdater<IUpdater> {

    private final StepSizeUpdater updater;
    private final IUpdater config;
    private final INDArray state;
    private IUpdater baseConfiguration;
    /** Null if it has none. */
    private INDArray baseState;
    /** Null until a search is there. */
    private GradientUpdater base;
    /** Makes the direction as long as a trial can throw; null if nothing can. */
    private TentativeUpdate tentative;
    private INDArray gradient;
    private INDArray averagedSquares;
    private StepRule rule;
    private IntSupplier iterations;

    DirectionUpdater(StepSizeUpdater updater, INDArray state) {
        this.updater = updater;
        this.state = state;
        // DL4J reads the learning rate for WeightDecay from here: 1, because decay is scaled with the direction.
        StepSizeUpdater unit = (StepSizeUpdater) updater.clone();
        unit.publishLearningRate(1.0);
        this.config = unit;
    }

    StepSizeUpdater updater() {
        return updater;
    }

    INDArray state() {
        return state;
    }

    /**
     * @param baseState   state of the base updater, null if it has none
     * @param fresh       whether the base updater has to initialise its state
     * @param rule        what the direction is for
     * @param type        data type of the parameters
     * @param length      number of parameters in the block
     * @param copyOfState room for {@link TentativeUpdate}; null if the rule does not look ahead or there is no base state
     * @param iterations  how often the base updater has run with this state. DL4J's own count of iterations starts
     *                    elsewhere in a network that has been trained before, and goes on when the guard drops a batch
     */
    void attach(INDArray baseState, boolean fresh, StepRule rule, DataType type, long length, INDArray copyOfState,
                IntSupplier iterations) {
        baseConfiguration = updater.base().clone();
        if (baseConfiguration.hasLearningRate()) {
            baseConfiguration.setLrAndSchedule(1.0, null);
        }
        this.baseState = baseState;
        base = baseConfiguration.instantiate(baseState, fresh && baseState != null);
        if (copyOfState != null) {
            tentative = new TentativeUpdate(baseConfiguration, baseState, length, copyOfState);
        }
        if (tentative != null || updater.keepsGradient()) {
            gradient = Nd4j.createUninitialized(type, length);
        } else if (updater.averagedGradient() != null) {
            gradient = (INDArray) base.getState().get(updater.averagedGradient());
        }
        if (updater.averagedSquares() != null) {
            averagedSquares = (INDArray) base.getState().get(updater.averagedSquares());
        }
        this.rule = rule;
        this.iterations = iterations;
    }

    /** Makes the state that of a training that begins. */
    void begin() {
        state.assign(0);
        if (baseState != null) {
            base = baseConfiguration.instantiate(baseState, true);
        }
    }

    /** What the rule sees as the block's gradient; null if it is the direction itself. */
    INDArray gradient() {
        return gradient;
    }

    /** The base updater's running average of squared gradients; null for those that declare none. */
    INDArray averagedSquares() {
        return averagedSquares;
    }

    /** What to say if no listener has told the search that there was a training pass. */
    static IllegalStateException withoutListener(StepSizeUpdater updater) {
        return new IllegalStateException(updater.getClass().getSimpleName() + " needs a StepSizeListener to find its"
                + " step size: add the line net.addListeners(new StepSizeListener()); before fit, and again after"
                + " setListeners, which removes it. If it is there: layerwise pretraining and external errors do not go"
                + " through listeners and are not supported; use another updater for them");
    }

    @Override
    public void applyUpdater(INDArray view, int iteration, int epoch) {
        if (base == null) {
            throw withoutListener(updater);
        }
        if (tentative != null || updater.keepsGradient() && rule.needsGradient()) {
            gradient.assign(view);
        }
        if (tentative != null) {
            tentative.apply(view, iterations.getAsInt(), epoch);
        } else {
            base.applyUpdater(view, iterations.getAsInt(), epoch);
        }
    }

    /**
     * Called when the search is over: the base updater's state follows. Nobody asks for the gradient any more, which the base
     * updater turns into the direction once more.
     */
    void searched(int epoch) {
        if (tentative != null) {
            base.applyUpdater(gradient, iterations.getAsInt(), epoch);
        }
    }

    @Override
    public IUpdater getConfig() {
        return config;
    }

    @Override
    public void setState(Map<String, INDArray> stateMap, boolean initialize) {
        throw new UnsupportedOperationException("the state of " + updater.getClass().getSimpleName() + " is a view array");
    }

    @Override
    public Map<String, INDArray> getState() {
        return Map.of();
    }

    @Override
    public void setStateViewArray(INDArray viewArray, long[] gradientShape, char gradientOrder, boolean initialize) {
        throw updater.onlyForNetworks();
    }
}
