package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

/** Which sequences of losses tell of other data. */
class ChangeDetectorTest {

    /** A hundredth of a largest mean loss of 2. */
    private static final double LEAST = 0.02;

    /** The numbers of the batches, from 0, that tell of a change. It begins anew after each, as a rule does. */
    private static List<Integer> changes(int batches, int batchesPerEpoch, IntToDoubleFunction loss) {
        ChangeDetector detector = new ChangeDetector();
        List<Integer> changes = new ArrayList<>();
        for (int t = 0; t < batches; t++) {
            int known = t < batchesPerEpoch ? 0 : batchesPerEpoch;
            if (detector.isChanged(loss.applyAsDouble(t), LEAST, known, changes.size())) {
                changes.add(t);
                detector = new ChangeDetector();
            } else {
                // Saved and restored after every batch.
                Iterator<Double> saved = state(detector);
                detector = new ChangeDetector();
                detector.state(value -> saved.next());
            }
        }
        return changes;
    }

    private static Iterator<Double> state(ChangeDetector detector) {
        List<Double> state = new ArrayList<>();
        detector.state(value -> {
            state.add(value);
            return value;
        });
        return state.iterator();
    }

    /** Losses of 1, then, when at least 64 batches are known, larger ones: it takes 16 batches, and more than 1.5. */
    @ParameterizedTest
    @CsvSource({"64, 1.51, true", "64, 1.49, false", "63, 1.51, false", "1000, 1.51, true", "1000, 1.49, false"})
    void sixteenMuchLargerLossesAreOtherData(int when, double larger, boolean expected) {
        assertEquals(expected ? List.of(when + 15) : List.of(), changes(when + 100, 0, t -> t < when ? 1 : larger));
    }

    @Test
    void fifteenAreNot() {
        assertEquals(List.of(), changes(500, 0, t -> t % 16 == 0 ? 1 : t < 100 ? 1 : 5));
    }

    /** The losses of a spike in a recurrent network, in units of the bound of 1.5, which is over after some more batches. */
    @Test
    void whatRisesFromBatchToBatchIsAnUnstableTraining() {
        double[] spike = {1.41, 1.89, 5.9, 34.8, 44.8, 44.3, 39.9, 25.4, 30.9, 12.6, 17.2, 10, 8.1, 6.9, 4.4, 6.1, 4, 3, 2, 1.2};
        assertEquals(List.of(), changes(500, 100, t -> t < 200 || t >= 220 ? 1 : 1.5 * spike[t - 200]));
        assertEquals(List.of(455), changes(500, 100, t -> t < 200 ? 1 : 1.5 * (t < 220 ? spike[t - 200] : 1.2)), "no end");
        assertEquals(List.of(215), changes(500, 100, t -> t < 200 ? 1 : t == 200 ? 2 : 5), "a bad batch before sudden ones");
        assertEquals(List.of(455), changes(500, 100, t -> t < 200 ? 1 : t == 200 ? 2 : t == 201 ? 3 : 7), "not sudden");
    }

    /** The mean of 16 batches is 1, whatever each of them has. */
    @Test
    void largeLossesAreComparedWithMeans() {
        assertEquals(List.of(215), changes(250, 0, t -> t >= 200 ? 1.51 : t % 2 == 0 ? 0.5 : 1.5));
    }

    /** A batch of an outlier in the last epoch does not hide other data. */
    @Test
    void aSingleLargeLossBeforeDoesNotMatter() {
        assertEquals(List.of(215), changes(250, 0, t -> t >= 200 ? 2.5 : t == 190 ? 100 : 1));
    }

    /** Losses of 1e-3 are small beside a largest mean of 2, of which a hundredth is 0.02. */
    @ParameterizedTest
    @CsvSource({"0.019, false", "0.021, true"})
    void littleLossesDoNotMatter(double then, boolean expected) {
        assertEquals(expected ? List.of(215) : List.of(), changes(250, 0, t -> t >= 200 ? then : 1e-3));
    }

    /** The logarithms of the losses have a standard deviation of 1: one in forty is seven times the median, or more. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void noiseIsNoChange(long seed) {
        Random random = new Random(seed);
        assertEquals(List.of(), changes(100_000, 50, t -> Math.exp(random.nextGaussian())));
    }

    /** A training that learns, with an epoch's hardest tenth at its end: new in the first epoch, known from then on. */
    @Test
    void whatEveryEpochHasIsNewOnlyOnce() {
        assertEquals(List.of(195), changes(2000, 200, t -> (t % 200 < 180 ? 1 : 5) / (1 + t / 100.0)));
    }

    /** Where nobody counts epochs: with 64, 128 and 256 batches in the place of the 200 that they have. */
    @Test
    void whatEveryPassHasIsNewAFewTimes() {
        assertEquals(List.of(195, 395), changes(8000, 0, t -> t % 200 < 180 ? 1 : 5));
    }

    /** A mean of the states of two workers, one of whom has not yet seen 64 batches. */
    @Test
    void aMeanOfStatesKnowsNothing() {
        ChangeDetector mean = new ChangeDetector();
        ChangeDetector less = new ChangeDetector();
        for (int t = 0; t < 64; t++) {
            mean.isChanged(1, LEAST, 0, 0);
            if (t > 0) {
                less.isChanged(1, LEAST, 0, 0);
            }
        }
        Iterator<Double> other = state(less);
        mean.state(value -> (value + other.next()) / 2);
        for (int t = 0; t < 40; t++) {
            assertFalse(mean.isChanged(1, LEAST, 0, 0));
        }
    }

    /** Single losses count four times the bound of 1.5, at most: one of 100 makes a mean of (15 + 6)/16, and a bound of 1.97. */
    @ParameterizedTest
    @CsvSource({"1.96, false", "1.98, true"})
    void outliersCountFourTimesTheBound(double then, boolean expected) {
        assertEquals(expected ? List.of(215) : List.of(), changes(231, 0, t -> t >= 200 ? then : t == 180 ? 100 : 1));
    }

    /** Twice as large after 140 batches, while 16 batches are in a mean. */
    @Test
    void slowChangesAreNotNoticed() {
        assertEquals(List.of(), changes(2000, 100, t -> Math.exp(0.005 * t)));
    }
}
