package io.github.dl4jstepsize.rule;

import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * An algorithm that chooses step sizes. It sees numbers and abstract vectors only, never a network, and is called once
 * per training iteration. An instance belongs to one network; what it must remember it declares in {@link #state}.
 * <p>
 * If an evaluation of the loss throws, the iteration has to leave no trace: evaluate first, write to memory vectors
 * afterwards. Scalars declared in {@code state} are rolled back by the caller.
 */
public interface StepRule {

    /** Chooses the step of this iteration. */
    Step step(TrainingBatch batch);

    /**
     * Refuses losses that this rule cannot train with, before anything has changed.
     *
     * @param loss         of the iteration that is about to begin; finite
     * @param lossFunction its name, for the message
     * @throws IllegalStateException if this rule cannot train with it
     */
    default void requireLoss(double loss, Supplier<String> lossFunction) {
    }

    /**
     * Whether the data seem to be others than before, for which what this rule and the base updater remember is of no use. Then
     * both begin anew with this iteration. Called once in each, before {@link #step}.
     *
     * @param loss            of the iteration that is about to begin; finite
     * @param batchesPerEpoch of the last complete epoch; 0 before there is one
     * @param timesBefore     how often it has begun anew in this training
     */
    default boolean beginsAnew(double loss, int batchesPerEpoch, int timesBefore) {
        return false;
    }

    /** Whether this rule asks for {@link TrainingBatch#ignorance()} in the first iteration, with so many examples. */
    default boolean asksForIgnorance(int examples) {
        return false;
    }

    /**
     * Whether this rule evaluates losses or gradients at other points, which may throw. Only then must the base
     * updater's state be kept until the step is found.
     */
    default boolean looksAhead() {
        return true;
    }

    /**
     * Whether the next step looks at {@link TrainingBatch#gradient()}; a copy of it is made only then, or where a search
     * could not be undone without it.
     */
    default boolean needsGradient() {
        return true;
    }

    /**
     * Whether this rule takes an inner product with the gradient for the slope of the loss, which that of a clipped or normalized
     * gradient is not.
     */
    default boolean readsSlope() {
        return false;
    }

    /** Whether this rule applies {@link TrainingBatch#decay()} and {@link TrainingBatch#share()} itself, as far as it should. */
    default boolean decaysByItself() {
        return false;
    }

    /** Whether this rule keeps an average of the iterates itself, so that none is needed beside it. */
    default boolean averages() {
        return false;
    }

    /**
     * Turns the parameters into the average of the iterates, if this rule {@link #averages}.
     *
     * @param parameters a copy of the network's
     * @param memory     this rule's memory vectors, not to be written to
     */
    default void average(Vector parameters, IntFunction<Vector> memory) {
        throw new UnsupportedOperationException(getClass().getSimpleName() + " keeps no average");
    }

    /** Whether the network's parameters are at the average of the iterates, or there is none of this rule's. */
    default boolean isAtAverage() {
        return true;
    }

    /** Puts them there, if they are not: an epoch is over, and the network may be evaluated or saved. */
    default void goToAverage(Vector parameters, IntFunction<Vector> memory) {
    }

    /** Takes them back to where the next gradient is to be taken, unless they are there already: the next epoch begins. */
    default void leaveAverage(Vector parameters, IntFunction<Vector> memory) {
    }

    /** Passes each remembered scalar to {@code scalars}, always the same ones in the same order. */
    void state(Scalars scalars);

    /** Number of {@link TrainingBatch#memory memory vectors} this rule uses. */
    default int memoryVectors() {
        return 0;
    }
}
