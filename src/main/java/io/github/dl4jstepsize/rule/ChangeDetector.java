package io.github.dl4jstepsize.rule;

/**
 * Tells from the losses whether a training goes on with other data: a run of batches whose losses are all much larger than any
 * that the last epoch had.
 * <pre>
 *   m = mean of min(loss, 4 b) over 16 successive batches, or of some more that end with a loss of b at most
 *   b = max(1.5 max(m), least)                  m of the last epoch or two
 *   the data are others after 16 losses in a row that are greater than b, the larger one of the first two at least 0.95 of the
 *   mean of the next four; or after 256
 * </pre>
 * Where epochs are shorter, 64 batches take an epoch's place. Where nobody counts epochs, it is 64 batches at first, and twice as
 * many after every change: what comes again and again in a pass over the data, sorted ones, say, is other data a few times only.
 * Until the first one is complete, nothing is detected.
 * <p>
 * Noise, however heavy its tails, has no such runs. Where a training becomes unstable for a while, as recurrent networks do, it
 * has, but its losses rise from one batch to the next, where those of other data are large at once. What is different within
 * every epoch (a part with harder examples) has been there in the last one; where it has not, it is new. 1.5 means nothing where
 * losses are negative, and trainings on a single batch have no noise, but oscillations: do not ask in both. Data that change
 * little by little are not detected either.
 * <p>
 * Source: this project's measurements, zoo-examples/experiments/29-other-data.txt. Detectors of "concept drift" usually watch a
 * classifier's errors (J. Gama et al., "Learning with drift detection", 2004), for which a training has no time.
 */
final class ChangeDetector {

    /** Batches in a run, and in a mean. */
    private static final int RUN = 16;
    private static final double MUCH_LARGER = 1.5;
    /** Batches at a run's beginning, and after these: see zoo-examples/experiments/33-long-trainings.txt. */
    private static final int ONSET = 2;
    private static final int AFTER_ONSET = 4;
    /** The part of the mean after it that the onset has if it is sudden. */
    private static final double SUDDEN = 0.95;
    /** Batches in a run that need not be. */
    private static final int LONG_RUN = 256;
    /** So many times the bound is what a single loss counts, at most. */
    private static final double OUTLIER = 4;
    /** Of batches, at least. */
    private static final int SHORTEST_EPOCH = 64;
    /** Doublings of it, at most. */
    private static final int MOST_DOUBLINGS = 16;

    /** Of the mean that is under way. */
    private double sum;
    private int count;
    /** In the means of this epoch so far. */
    private int batches;
    private double largest;
    /** In the epoch before this one. */
    private double largestBefore;
    /** 1 if there is one. A mean over workers of whom some have none is no 1. */
    private double known;
    private int run;
    /** The largest loss at the run's beginning, and the sum of those after it. */
    private double onset;
    private double afterOnset;

    /**
     * Called once per batch.
     *
     * @param least           the loss below which none matters
     * @param batchesPerEpoch 0 if not known
     * @param changes         so far
     * @return whether the data are others
     */
    boolean isChanged(double loss, double least, int batchesPerEpoch, int changes) {
        double bound = Math.max(MUCH_LARGER * Math.max(largest, largestBefore), least);
        boolean isKnown = known == 1;
        sum += isKnown ? Math.min(loss, OUTLIER * bound) : loss;
        count++;
        run = isKnown && loss > bound ? run + 1 : 0;
        if (run <= ONSET) {
            onset = run == ONSET ? Math.max(onset, loss) : loss;
            afterOnset = 0;
        } else if (run <= ONSET + AFTER_ONSET) {
            afterOnset += loss;
        }
        if (run == 0 && count >= RUN) {
            largest = Math.max(largest, sum / count);
            batches += count;
            sum = 0;
            count = 0;
            int epoch = batchesPerEpoch > 0 ? Math.max(SHORTEST_EPOCH, batchesPerEpoch)
                    : SHORTEST_EPOCH << Math.min(changes, MOST_DOUBLINGS);
            if (batches >= epoch) {
                largestBefore = largest;
                known = 1;
                largest = 0;
                batches = 0;
            }
        }
        return run == RUN && onset >= SUDDEN * afterOnset / AFTER_ONSET || run == LONG_RUN;
    }

    void state(Scalars scalars) {
        sum = scalars.next(sum);
        count = scalars.next(count);
        batches = scalars.next(batches);
        largest = scalars.next(largest);
        largestBefore = scalars.next(largestBefore);
        known = scalars.next(known);
        run = scalars.next(run);
        onset = scalars.next(onset);
        afterOnset = scalars.next(afterOnset);
    }
}
