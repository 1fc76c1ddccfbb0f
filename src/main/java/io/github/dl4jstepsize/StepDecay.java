package io.github.dl4jstepsize;

/** How much shorter steps are because a training approaches its end, as far as a listener knows when that is. */
final class StepDecay {

    private final Progress progress;
    /** Of the iteration that is under way; null if nobody knows how long the training will be. */
    private Horizon horizon;
    /** The last one beyond which the training has gone on. */
    private Horizon exceeded;

    StepDecay(Progress progress) {
        this.progress = progress;
    }

    /** Holds for the iteration that is under way. */
    void until(Horizon end) {
        horizon = end;
    }

    /** Called when an iteration begins, about whose horizon its listeners are going to tell. */
    void forget() {
        horizon = null;
    }

    /** Called when the iteration is counted: tells, once, that the training has gone on for longer than planned. */
    void warnBeyondTheEnd() {
        boolean isBeyond = horizon != null
                && horizon.isExceeded(progress.iterationsBeforeThis(), progress.epochsBeforeThis());
        if (isBeyond && exceeded != horizon) {
            exceeded = horizon;
            horizon.warn();
        }
    }

    /** The factor on the step of this iteration. */
    double factor() {
        return horizon == null ? 1 : horizon.factor(progress.iterationsBeforeThis(), progress.epochsBeforeThis());
    }

    /** That of the next one: 0 at the planned end of the training, and beyond it. */
    double nextFactor() {
        return horizon == null ? 1 : horizon.factorUpToTheEnd(progress.iterations(), progress.epochsWithThis());
    }

    /** Whether steps get shorter before the end. */
    boolean decays() {
        return horizon != null && horizon.decays();
    }
}
