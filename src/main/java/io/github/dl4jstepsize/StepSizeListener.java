package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;

import java.io.Serializable;
import java.util.function.Consumer;

/**
 * The one extra line that networks with a {@link StepSizeUpdater} need:
 * <pre>{@code
 *   net.addListeners(new StepSizeListener());
 *   net.addListeners(new StepSizeListener().onStep(record -> log.info("{}", record)));
 * }</pre>
 * It puts the search into DL4J's update pipeline and tells it when a training pass begins and ends. It keeps nothing of a
 * network, so that one instance can serve several networks, several threads, and the workers of a ParallelWrapper or a
 * cluster. For networks without a step size updater it does nothing.
 */
public final class StepSizeListener extends BaseTrainingListener implements Serializable {

    private static final long serialVersionUID = 1;

    /** A single bad batch is no reason to stop; ten in a row are no accident. */
    private static final int DEFAULT_MAX_NOT_FINITE = 10;

    private transient Consumer<StepRecord> onStep;
    private int maxNotFinite = DEFAULT_MAX_NOT_FINITE;
    /** Where the random stream was when this listener was made: for a first batch that no epoch begins with. */
    private final transient RandomState atCreation = RandomState.now();

    /**
     * Has every iteration's record passed to {@code consumer}, in the thread that trains. The consumer stays behind when
     * the listener is sent to another machine. It must not change the network.
     *
     * @return this listener
     */
    public StepSizeListener onStep(Consumer<StepRecord> consumer) {
        onStep = consumer;
        return this;
    }

    /**
     * Stops the training with an exception when the loss, the gradient or a trial has been NaN or infinite in this many
     * iterations in a row; 1 or greater, 10 at first. Such steps are not taken in any case.
     *
     * @return this listener
     */
    public StepSizeListener maxNotFinite(int iterations) {
        maxNotFinite = Check.between("maxNotFinite", iterations, 1, Integer.MAX_VALUE);
        return this;
    }

    @Override
    public void onEpochStart(Model model) {
        StepSizeSearch search = StepSizes.install(model);
        if (search != null) {
            search.rememberRandomState();
        }
    }

    @Override
    public void onBackwardPass(Model model) {
        StepSizeSearch search = StepSizes.install(model);
        if (search != null) {
            search.backwardPass();
        }
    }

    @Override
    public void onGradientCalculation(Model model) {
        StepSizeSearch search = StepSizes.install(model);
        if (search != null) {
            search.trainingPassDone(atCreation);
        }
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
        StepSizeSearch search = StepSizes.searchOf(model);
        if (search != null) {
            try {
                if (onStep != null) {
                    onStep.accept(search.lastRecord());
                }
                search.requireFinite(maxNotFinite);
            } finally {
                search.iterationDone();
            }
        }
    }
}
