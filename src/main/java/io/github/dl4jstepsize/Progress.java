package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Scalars;

/** What the search itself remembers of a training, beside the rule: part of the updater state. */
final class Progress {

    final IterateAverage average = new IterateAverage();
    final Guard guard = new Guard();
    final Repetition repetition = new Repetition();

    private boolean started;
    private int epoch;
    private int iterations;
    /** Complete ones. */
    private int epochs;
    /** Of the epoch that is under way. */
    private int batches;
    private int examples;
    /** Examples in this iteration's batch and in the one before; 0 before there is one. */
    private int size;
    private int sizeBefore;
    private int batchesPerEpoch;
    private int examplesPerEpoch;
    /** Whether the last batch was its epoch's last, although DL4J may go on with its number. */
    private boolean ended;
    private int directions;
    private int changesOfData;

    void state(Scalars scalars) {
        // In an updater state that nobody has written to yet the first scalar has to be that for "no".
        started = scalars.next(started);
        epoch = scalars.next(epoch);
        iterations = scalars.next(iterations);
        epochs = scalars.next(epochs);
        average.state(scalars);
        batches = scalars.next(batches);
        examples = scalars.next(examples);
        size = scalars.next(size);
        sizeBefore = scalars.next(sizeBefore);
        batchesPerEpoch = scalars.next(batchesPerEpoch);
        examplesPerEpoch = scalars.next(examplesPerEpoch);
        ended = scalars.next(ended);
        directions = scalars.next(directions);
        changesOfData = scalars.next(changesOfData);
        guard.state(scalars);
        repetition.state(scalars);
    }

    /**
     * Called where an epoch starts. One as long as the last has ended, even if the network was saved by a listener that heard of
     * its end before ours; a shorter one is gone on with.
     */
    void epochStarts() {
        ended |= batchesPerEpoch > 0 && batches == batchesPerEpoch;
    }

    void epochEnds() {
        ended = started;
    }

    /** Called at the beginning of an iteration. */
    void count(int currentEpoch, int batchSize) {
        boolean begins = !started || ended || currentEpoch != epoch;
        if (begins) {
            repetition.epochBegins();
        }
        if (begins && started) {
            batchesPerEpoch = batches;
            examplesPerEpoch = examples;
            epochs++;
            batches = 0;
            examples = 0;
        }
        started = true;
        ended = false;
        epoch = currentEpoch;
        iterations++;
        batches++;
        examples += batchSize;
        sizeBefore = size;
        size = batchSize;
    }

    /** Called when the base updater has turned a gradient into a direction. */
    void countDirection() {
        directions++;
    }

    /** Called when the base updater begins anew with other data. */
    void dataChanged() {
        directions = 0;
        changesOfData++;
        guard.dataChanged();
        repetition.forget();
    }

    boolean started() {
        return started;
    }

    /** Gradients that the base updater has turned into directions: what it corrects the bias of its averages by. */
    int directions() {
        return directions;
    }

    int changesOfData() {
        return changesOfData;
    }

    int iterations() {
        return iterations;
    }

    int iterationsBeforeThis() {
        return iterations - 1;
    }

    /** Complete ones. */
    int epochs() {
        return epochs;
    }

    /** Epochs before this iteration, with the part of the present one that is done. */
    double epochsBeforeThis() {
        return epochsAfter(batches - 1);
    }

    double epochsWithThis() {
        return epochsAfter(batches);
    }

    private double epochsAfter(int batchesOfThisOne) {
        return epochs + (batchesPerEpoch == 0 ? 0 : Math.min(1, batchesOfThisOne / (double) batchesPerEpoch));
    }

    /** Of the last complete epoch; 0 before there is one. */
    int batchesPerEpoch() {
        return batchesPerEpoch;
    }

    /** Of the last complete epoch; 0 before there is one. */
    int examplesPerEpoch() {
        return examplesPerEpoch;
    }

    /** Of this batch, in the weight that the one before it had. */
    double share() {
        return 2 * size < sizeBefore ? size / (double) sizeBefore : 1;
    }
}
