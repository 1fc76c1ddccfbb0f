package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Scalars;
import io.github.dl4jstepsize.rule.Step;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices, for all methods alike, that a training has gone wrong: losses or gradients that are NaN or infinite, which
 * must not be followed, step sizes that have shrunk to nothing, which nobody would notice otherwise, and epochs that do
 * not lower the loss. Its counters are part of the updater state.
 */
final class Guard {

    private static final Logger LOG = LoggerFactory.getLogger(StepSizeUpdater.class);

    /** The part of the largest step size below which a step size counts as diminished. */
    private static final double DIMINISHED = 1e-7;
    /** Epochs of fewer batches are taken together: a warm-up alone may take a few of them. */
    private static final int FEWEST_LOSSES = 100;
    /** After so many more epochs the loss should have fallen to less than this part of the first one's. */
    private static final int EPOCHS = 3;
    /** SLS has 0.95 on text-lstm, others 0.64 to 0.88: see zoo-examples/experiments/15-twice-the-minimum.txt. */
    private static final double HARDLY_LOWER = 0.93;
    /**
     * Of a method with extra passes in every iteration more is asked: sa-SLS, whose steps are too short on text-lstm, has 0.86
     * to 0.89 there, searches that train it 0.50 to 0.78: see zoo-examples/experiments/17-momentum-along-lines.txt.
     */
    private static final double HARDLY_LOWER_BY_SEARCHES = 0.85;
    /** The part of an epoch's steps from which on all count as searched: some batches cannot be searched on. */
    private static final double EVERY = 0.9;

    private int notFiniteInARow;
    /** In the epoch that is under way. */
    private int notFinite;
    private boolean anyStep;
    private double lastGoodStepSize;
    private double largestStepSize;
    private int diminishedInARow;
    private boolean warned;

    /** Of the epoch that is under way, and those before it that were too short. */
    private int epoch;
    private int losses;
    private int searches;
    private double sumOfLosses;
    /** Mean loss of the first epoch, or of the first that make up one together; 0 as long as it is not known. */
    private double firstMean;
    /** Means since then. */
    private int means;
    private boolean warnedOfLoss;

    /** Whether a training pass may be followed. Costs one inner product. */
    static boolean isFinite(double loss, INDArray gradient) {
        if (!Double.isFinite(loss)) {
            return false;
        }
        INDArray flat = gradient.reshape(gradient.length());
        // In single precision the square of a long but finite gradient is infinite: then look at every element.
        return Double.isFinite(Nd4j.getBlasWrapper().dot(flat, flat)) || !flat.cond(Conditions.notFinite()).any();
    }

    /**
     * Takes note of an iteration.
     *
     * @param batchesPerEpoch 0 if it is not known yet
     */
    void watch(StepRecord record, int batchesPerEpoch, StepSizeUpdater updater) {
        watchFiniteness(record, updater);
        watchStep(record.step(), batchesPerEpoch, updater);
        watchLoss(record, updater);
    }

    private void watchFiniteness(StepRecord record, StepSizeUpdater updater) {
        if (record.epoch() != epoch) {
            epochEnds(updater);
        }
        if (record.outcome() == Outcome.NOT_FINITE) {
            if (notFinite == 0) {
                LOG.warn("{}: the loss, the gradient or a trial was NaN or infinite in iteration {} (loss {}), which makes no"
                        + " step. Look for such numbers in the data; StepSizeListener.onStep tells of every iteration",
                        updater.getClass().getSimpleName(), record.iteration(), record.loss());
            }
            notFinite++;
        }
    }

    /** Tells how many steps an epoch has left out, if it was more than the one that was told of. */
    void epochEnds(StepSizeUpdater updater) {
        if (notFinite > 1) {
            LOG.warn("{}: the loss, the gradient or a trial was NaN or infinite in {} iterations of an epoch, which made no step",
                    updater.getClass().getSimpleName(), notFinite);
        }
        notFinite = 0;
    }

    private void watchLoss(StepRecord record, StepSizeUpdater updater) {
        if (record.epoch() != epoch && losses >= FEWEST_LOSSES) {
            double mean = sumOfLosses / losses;
            if (firstMean == 0) {
                firstMean = mean;
            } else if (!warnedOfLoss) {
                means++;
                warnedOfLoss = isNotTraining(mean);
                if (warnedOfLoss) {
                    LOG.warn("{}: the mean loss of epoch {} was {}, {} than the {} of the first one. If the network was not"
                                    + " trained before, and there is more to learn, this method does not train it: try {}"
                                    + "standardized inputs and targets, or another method{}. If the data have changed, begin"
                                    + " anew: network.setUpdater(null)",
                            updater.getClass().getSimpleName(), epoch, mean, mean < firstMean ? "hardly lower" : "no lower",
                            firstMean, searches > 0 ? "larger batches, by which a search judges its steps, " : "",
                            recommendation(updater));
                }
            }
            forgetLosses();
        }
        epoch = record.epoch();
        if (Double.isFinite(record.loss())) {
            losses++;
            searches += record.forwardPasses() + record.gradientPasses() > 0 ? 1 : 0;
            sumOfLosses += record.loss();
        }
    }

    private void forgetLosses() {
        losses = 0;
        searches = 0;
        sumOfLosses = 0;
    }

    /** Called when a method begins anew with other data, whose first epoch is what their later ones are compared with. */
    void dataChanged() {
        forgetLosses();
        firstMean = 0;
        means = 0;
    }

    private static String recommendation(StepSizeUpdater updater) {
        return updater instanceof AutoUpdater ? "" : ", for example AutoUpdater";
    }

    private boolean isNotTraining(double mean) {
        double hardlyLower = searches >= EVERY * losses ? HARDLY_LOWER_BY_SEARCHES : HARDLY_LOWER;
        return mean >= firstMean || means == EPOCHS && mean > hardlyLower * firstMean;
    }

    private void watchStep(Step step, int batchesPerEpoch, StepSizeUpdater updater) {
        if (step.outcome() == Outcome.NOT_FINITE) {
            notFiniteInARow++;
            return;
        }
        notFiniteInARow = 0;
        double stepSize = Math.abs(step.stepSize());
        if (Double.isNaN(stepSize)) {
            return;
        }
        anyStep = true;
        lastGoodStepSize = stepSize;
        largestStepSize = Math.max(largestStepSize, stepSize);
        diminishedInARow = stepSize < DIMINISHED * largestStepSize ? diminishedInARow + 1 : 0;
        if (!warned && batchesPerEpoch > 0 && diminishedInARow >= batchesPerEpoch) {
            warned = true;
            LOG.warn("{}: for a whole epoch the step sizes have been below {} of the largest one ({} now, {} then), which"
                            + " means that training has stopped. If the loss is as low as it should be, stop fitting;"
                            + " if not, use another method{}",
                    updater.getClass().getSimpleName(), DIMINISHED, stepSize, largestStepSize, recommendation(updater));
        }
    }

    /** @throws IllegalStateException if the last {@code maximum} iterations were not finite, this one included */
    void requireFinite(int maximum, int iteration, double loss) {
        if (notFiniteInARow >= maximum) {
            throw new IllegalStateException("training stopped at iteration " + iteration + ": a loss, gradient or"
                    + " trial was NaN or infinite " + notFiniteInARow + " times in a row. The loss is " + loss
                    + ", the last good step size was " + (anyStep ? lastGoodStepSize : "none") + ". The network is as it was"
                    + " before the first of them. (A method that walks along lines, GOLS-I or PLS, may have stepped there"
                    + " before.) Look for NaN or huge numbers in the data and in user-defined losses and layers, for"
                    + " targets beyond what the output's activation can reach."
                    + " StepSizeListener.maxNotFinite sets the number of times");
        }
    }

    void state(Scalars scalars) {
        notFiniteInARow = scalars.next(notFiniteInARow);
        notFinite = scalars.next(notFinite);
        anyStep = scalars.next(anyStep);
        lastGoodStepSize = scalars.next(lastGoodStepSize);
        largestStepSize = scalars.next(largestStepSize);
        diminishedInARow = scalars.next(diminishedInARow);
        warned = scalars.next(warned);
        epoch = scalars.next(epoch);
        losses = scalars.next(losses);
        searches = scalars.next(searches);
        sumOfLosses = scalars.next(sumOfLosses);
        firstMean = scalars.next(firstMean);
        means = scalars.next(means);
        warnedOfLoss = scalars.next(warnedOfLoss);
    }
}
