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
 * <p>
 * DL4J's {@code setListeners} removes it: then {@code fit} ends with an exception. Other listeners may evaluate the network when
 * an iteration or an epoch is over, but not in {@code onBackwardPass} and {@code onGradientCalculation}: the search would find
 * their batch in the place of the training's. One that calls {@code setLearningRate} belongs behind this one, which otherwise
 * has no record of the iteration.
 * <p>
 * Whoever passes batches to {@code fit} one by one should not draw from ND4J's random numbers in between: the trials would have
 * other dropout masks than the training pass, though all of them the same.
 * <p>
 * Add it before listeners that evaluate or save the network after an epoch. Behind others it comes too late to put {@link
 * AutoUpdater}'s average into the network, and a network that was saved after its first epoch takes the second one for a part of
 * it, when it is restored.
 */
public final class StepSizeListener extends BaseTrainingListener implements Serializable {

    private static final long serialVersionUID = 1;

    /** A single bad batch is no reason to stop; ten in a row are no accident. */
    private static final int DEFAULT_MAX_NOT_FINITE = 10;

    private transient Consumer<StepRecord> onStep;
    private int maxNotFinite = DEFAULT_MAX_NOT_FINITE;
    private Decay decay = Decay.LINEAR;
    /** Null if nobody has said how long the training will be. */
    private Horizon horizon;
    /** Where the random stream was when this listener was made: for a first batch that no epoch begins with. */
    private final transient RandomState atCreation = RandomState.now();

    /**
     * Has every iteration's record passed to {@code consumer}, in the thread that trains. The consumer stays behind when
     * the listener is sent to another machine. It must not change the network. A second one is called after the first.
     *
     * @return this listener
     */
    public StepSizeListener onStep(Consumer<StepRecord> consumer) {
        Check.given("consumer", consumer);
        onStep = onStep == null ? consumer : onStep.andThen(consumer);
        return this;
    }

    /**
     * Stops the training with an exception when the loss, the gradient, or with PAL, PLS and LABPAL's first search a trial, has
     * been NaN or infinite in this many iterations in a row; 1 or greater, 10 at first. Such steps are not taken in any case.
     * Other searches go on from a trial that is not finite as from one that is too long.
     *
     * @return this listener
     */
    public StepSizeListener maxNotFinite(int iterations) {
        maxNotFinite = Check.between("maxNotFinite", iterations, 1, Integer.MAX_VALUE);
        return this;
    }

    /**
     * Says for how many epochs the network is going to be trained, so that its steps can decay until then. The epochs
     * count from the network's first with its step size updater, and are saved with it: after a restart give the same
     * number. There is no decay in the first epoch, whose batches have to be counted, and for the same reason none at
     * all in a training of one epoch: use {@link #iterations} there. Whoever passes single batches to {@code fit} has
     * to end epochs with {@code incrementEpochCount()}, or use {@link #iterations}, as with a ParallelWrapper, which counts no
     * epochs. Of both, the one that is called last counts.
     * <p>
     * Beyond the horizon training goes on with a hundredth of the step, and a warning. {@link AutoUpdater} and {@link
     * ScheduleFreeUpdater}, whose average needs no decay, have one at the end only, with LINEAR in the last twentieth. Unless
     * the decay is NONE, their network ends at the average, also if batches are passed one by one. Who trains on stays at the
     * average and has a fifth of the step; where FAN has taken over in AutoUpdater, a hundredth.
     *
     * @param epochs 1 or greater
     * @return this listener
     */
    public StepSizeListener epochs(int epochs) {
        horizon = Horizon.epochs(Check.between("epochs", epochs, 1, Integer.MAX_VALUE), decay);
        return this;
    }

    /**
     * As {@link #epochs}, in iterations, which are batches, or with truncated backpropagation through time their segments; in
     * parallel training, those of one worker. The decay begins at once.
     *
     * @param iterations 1 or greater
     * @return this listener
     */
    public StepSizeListener iterations(int iterations) {
        horizon = Horizon.iterations(Check.between("iterations", iterations, 1, Integer.MAX_VALUE), decay);
        return this;
    }

    /**
     * How the steps decay until the end of the training: LINEAR unless given. Without {@link #epochs} or
     * {@link #iterations} there is no decay.
     *
     * @return this listener
     */
    public StepSizeListener decay(Decay decay) {
        this.decay = Check.given("decay", decay);
        if (horizon != null) {
            horizon = horizon.with(decay);
        }
        return this;
    }

    @Override
    public void onEpochStart(Model model) {
        StepSizeSearch search = StepSizes.install(model);
        if (search != null) {
            search.epochStarts();
            search.trials().rememberRandomState();
        }
    }

    @Override
    public void onEpochEnd(Model model) {
        StepSizeSearch search = StepSizes.searchOf(model);
        if (search != null) {
            search.epochEnds();
        }
    }

    @Override
    public void onBackwardPass(Model model) {
        StepSizeSearch search = StepSizes.install(model);
        if (search != null) {
            search.backwardPass();
            if (horizon != null) {
                search.decayUntil(horizon);
            }
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
        // Another listener may have set a learning rate, for which DL4J makes a new network updater.
        StepSizeSearch search = StepSizes.install(model);
        if (search != null) {
            search.parametersMoved(iteration, epoch);
            try {
                if (onStep != null && search.lastRecord() != null) {
                    onStep.accept(search.lastRecord());
                }
                search.requireFinite(maxNotFinite, iteration);
            } finally {
                search.iterationDone();
            }
        }
    }
}
