package io.github.dl4jstepsize;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.Serializable;

/**
 * How long a training is going to be, in epochs or in iterations, and how its steps decay until then.
 * <p>
 * An epoch has as many batches as were counted in the one before it. In the first one nothing is known and nothing
 * decays; the decay then takes the remaining epochs.
 */
final class Horizon implements Serializable {

    private static final long serialVersionUID = 1;

    private static final Logger LOG = LoggerFactory.getLogger(StepSizeListener.class);

    /** The factor beyond the horizon: small enough to do no harm, large enough to be seen to train. */
    static final double FLOOR = 0.01;

    private final int length;
    private final boolean inEpochs;
    private final Decay decay;

    private Horizon(int length, boolean inEpochs, Decay decay) {
        this.length = length;
        this.inEpochs = inEpochs;
        this.decay = decay;
    }

    static Horizon epochs(int epochs, Decay decay) {
        if (epochs == 1) {
            LOG.warn("epochs(1): a single epoch is over before its batches are counted, so that no step decays; say"
                    + " iterations(n) instead");
        }
        return new Horizon(epochs, true, decay);
    }

    static Horizon iterations(int iterations, Decay decay) {
        return new Horizon(iterations, false, decay);
    }

    Horizon with(Decay other) {
        return new Horizon(length, inEpochs, other);
    }

    /**
     * The factor on the step that comes next.
     *
     * @param iterations before this one
     * @param epochs     before this one, with the part of the present epoch that is done
     */
    double factor(int iterations, double epochs) {
        if (isExceeded(iterations, epochs)) {
            return FLOOR;
        }
        return decay.factor(inEpochs ? Math.max(0, (epochs - 1) / (length - 1)) : iterations / (double) length);
    }

    /** As {@link #factor}, but 0 at the end and beyond it. */
    double factorUpToTheEnd(int iterations, double epochs) {
        return isExceeded(iterations, epochs) ? 0 : factor(iterations, epochs);
    }

    /** Whether the steps get shorter before the end. A training of one epoch is over before its length is known. */
    boolean decays() {
        return decay != Decay.NONE && !(inEpochs && length == 1);
    }

    /** Whether the training has gone on for longer than planned. */
    boolean isExceeded(int iterations, double epochs) {
        return decay != Decay.NONE && (inEpochs ? epochs >= length : iterations >= length);
    }

    void tellWhoCountsEpochs() {
        if (inEpochs) {
            LOG.info("epochs({}): batches are passed to fit one by one. End every epoch with incrementEpochCount(), or say"
                    + " iterations(n) instead: otherwise no step decays", length);
        }
    }

    void warn() {
        LOG.warn("the training has gone on beyond its {} {}: steps have {} of their length from now on (AutoUpdater's and"
                        + " ScheduleFreeUpdater's a fifth). To train on at full length, give the listener the whole length",
                length, inEpochs ? "epochs" : "iterations", FLOOR);
    }
}
