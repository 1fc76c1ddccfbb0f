package io.github.dl4jstepsize.rule;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class LabPalTest {

    private static final boolean GRADIENT = false;
    private static final boolean PUBLISHED = true;

    /** f_i(x) = sum c_j (x_j - t_ij)^2 / 2: quadratics of the same curvature around scattered minima. */
    private static final double[] CURVATURES = {2, 0.5};
    private static final double[] START = {3, 4};

    private static double[] minimum(int batch) {
        Random random = new Random(batch);
        return new double[]{random.nextGaussian(), random.nextGaussian()};
    }

    private static double loss(double[] x, int batch) {
        double[] t = minimum(batch);
        double sum = 0;
        for (int j = 0; j < x.length; j++) {
            sum += CURVATURES[j] * (x[j] - t[j]) * (x[j] - t[j]) / 2;
        }
        return sum;
    }

    private static double[] gradient(double[] x, int batch) {
        double[] t = minimum(batch);
        return new double[]{CURVATURES[0] * (x[0] - t[0]), CURVATURES[1] * (x[1] - t[1])};
    }

    private static Step step(Training training, int batch) {
        return training.step(x -> loss(x, batch), x -> gradient(x, batch));
    }

    private static LabPal.Settings settings(boolean published) {
        LabPal.Settings settings = new LabPal.Settings();
        settings.published = published;
        settings.stepAdaptation = 1;
        settings.searchEvery = 5;
        settings.approximationBatches = 4;
        settings.batchSchedule = Map.of(0, 1);
        settings.untrustedUpdates = 1000;
        settings.averagedMeasurements = 3;
        settings.measuringStep = 0.01;
        settings.maxStep = 100;
        settings.trainingSetSize = 40000;
        return settings;
    }

    /** Distance from START along the unit mean gradient of the first k batches to the minimum of all batches' mean. */
    private static double distanceToMinimum(int k, int all) {
        double[] d = meanGradient(k);
        double[] g = meanGradient(all);
        double norm = Math.hypot(d[0], d[1]);
        double slope = (g[0] * d[0] + g[1] * d[1]) / norm;
        double curvature = (CURVATURES[0] * d[0] * d[0] + CURVATURES[1] * d[1] * d[1]) / norm / norm;
        return slope / curvature;
    }

    private static double[] meanGradient(int batches) {
        double[] mean = new double[2];
        for (int i = 0; i < batches; i++) {
            double[] g = gradient(START, i);
            mean[0] += g[0] / batches;
            mean[1] += g[1] / batches;
        }
        return mean;
    }

    @Test
    void measuresTheMinimumOfTheMeanLoss() {
        for (int k : new int[]{1, 3}) {
            LabPal.Settings settings = settings(GRADIENT);
            settings.batchSchedule = Map.of(0, k);
            settings.measuringStep = 0.1;
            Training training = new Training(new LabPal(settings), START);
            int evaluations = 0;
            for (int i = 0; i < 4 * k - 1; i++) {
                Step step = step(training, i);
                evaluations += training.evaluations;
                assertEquals(Outcome.MEASURED, step.outcome());
                assertEquals(START[0], training.parameters[0], "search batches do not move the parameters");
            }
            Step step = step(training, 4 * k - 1);
            evaluations += training.evaluations;
            assertEquals(Outcome.MINIMUM, step.outcome());
            assertEquals(distanceToMinimum(k, 4 * k), step.stepSize(), 1e-6);
            assertEquals(4 * k - k + 1, evaluations, "one evaluation per batch from the k-th on");
            double moved = Math.hypot(training.parameters[0] - START[0], training.parameters[1] - START[1]);
            assertEquals(step.stepSize(), moved, 1e-12);
        }
    }

    /** Settings as large as they may be: nothing wraps around. */
    @Test
    void theLargestSettingsAreReallyLarge() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.batchSchedule = Map.of(0, 2);
        settings.approximationBatches = Integer.MAX_VALUE;
        Training endless = new Training(new LabPal(settings), START);
        for (int i = 0; i < 20; i++) {
            assertEquals(Outcome.MEASURED, step(endless, i).outcome());
        }
        assertEquals(stepSizes(1_000_000), stepSizes(Integer.MAX_VALUE), "no measurement is trusted and averaged");
    }

    private static List<Double> stepSizes(int untrustedUpdates) {
        LabPal.Settings settings = settings(GRADIENT);
        settings.untrustedUpdates = untrustedUpdates;
        Training training = new Training(new LabPal(settings), START);
        List<Double> stepSizes = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            stepSizes.add(step(training, i).stepSize());
        }
        return stepSizes;
    }

    @Test
    void theAuthorsArithmeticDoublesTheStep() {
        for (int k : new int[]{1, 3}) {
            LabPal.Settings settings = settings(PUBLISHED);
            settings.batchSchedule = Map.of(0, k);
            Training training = new Training(new LabPal(settings), START);
            Step step = null;
            int evaluations = 0;
            for (int i = 0; i < 4 * k; i++) {
                step = step(training, i);
                evaluations += training.evaluations;
            }
            // -b/(2a) of numpy.gradient applied twice is 2 s_min - h (traces' README).
            assertEquals(2 * distanceToMinimum(k, 4 * k) - 0.000177, step.stepSize(), 1e-6);
            assertEquals(2 * 4 * k + (k - 1), evaluations, "two per batch, one more at 0 for those that came too early");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void usesTheStepUntilTheNextSearch(boolean normalized) {
        LabPal.Settings settings = settings(GRADIENT);
        settings.normalized = normalized;
        Training training = new Training(new LabPal(settings), START);
        List<Outcome> outcomes = new ArrayList<>();
        double kept = 0;
        for (int i = 0; i < 17; i++) {
            double[] before = training.parameters.clone();
            Step step = step(training, i);
            outcomes.add(step.outcome());
            double[] g = gradient(before, i);
            double moved = Math.hypot(training.parameters[0] - before[0], training.parameters[1] - before[1]);
            if (step.outcome() == Outcome.MINIMUM) {
                kept = normalized ? step.stepSize() : step.learningRate();
            } else if (step.outcome() == Outcome.REUSED) {
                assertEquals(normalized ? kept : kept * Math.hypot(g[0], g[1]), moved, 1e-12);
            }
        }
        // 4 batches of a search, of which the last makes an update; then 4 more updates, 5 with the search's own.
        assertEquals("MMMS UUUU MMMS UUUU M".replace(" ", ""), letters(outcomes));
    }

    @Test
    void accumulatesAsManyBatchesAsTheScheduleSays() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.batchSchedule = Map.of(0, 1, 7, 2);
        settings.searchEvery = 100;
        Training training = new Training(new LabPal(settings), START);
        List<Outcome> outcomes = new ArrayList<>();
        double[] before = null;
        for (int i = 0; i < 19; i++) {
            if (i == 15) {
                before = training.parameters.clone();
            }
            Step step = step(training, i);
            outcomes.add(step.outcome());
            if (i == 16) {
                double[] a = gradient(before, 15);
                double[] b = gradient(before, 16);
                assertEquals(before[0] - step.learningRate() * (a[0] + b[0]) / 2, training.parameters[0], 1e-12);
            }
        }
        // The schedule changes at batch 7, in the middle of nothing: a search over 4 groups of 2 follows.
        assertEquals("MMMS UUU MMMMMMMS AU AU".replace(" ", ""), letters(outcomes));
    }

    /** The authors' code drops the batch that is collected for an update when the next search is due. */
    @ParameterizedTest
    @CsvSource({"false, MMMMMMMS AU AU MMMMMMMS", "true, MMMMMMMS AU AU A MMMMMMMS"})
    void everyCollectedBatchMakesAnUpdate(boolean published, String expected) {
        LabPal.Settings settings = settings(published);
        settings.batchSchedule = Map.of(0, 2);
        settings.searchEvery = 3;
        Training training = new Training(new LabPal(settings), START);
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < expected.replace(" ", "").length(); i++) {
            outcomes.add(step(training, i).outcome());
        }
        assertEquals(expected.replace(" ", ""), letters(outcomes));
    }

    @Test
    void aScheduleEntryThatComesDuringASearchIsNotMissed() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.batchSchedule = Map.of(0, 1, 2, 2);
        settings.searchEvery = 100;
        Training training = new Training(new LabPal(settings), START);
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < 14; i++) {
            outcomes.add(step(training, i).outcome());
        }
        assertEquals("MMMS MMMMMMMS AU".replace(" ", ""), letters(outcomes));
    }

    @Test
    void theNoiseFactorScalesTheScheduleAsSoonAsTheTrainingSetIsCounted() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.trainingSetSize = 0;
        settings.searchEvery = 100;
        Training training = new Training(new LabPal(settings), START);
        training.size = 64;
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < 22; i++) {
            // 128/64 * 60000/40000 = 3
            training.examplesPerEpoch = i < 6 ? 0 : 60000;
            outcomes.add(step(training, i).outcome());
        }
        assertEquals("MMMS UU MMMMMMMMMMMS AAU A".replace(" ", ""), letters(outcomes));
    }

    @Test
    void momentumActsOnUpdatesAndOnSearchDirections() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.momentum = 0.5;
        settings.searchEvery = 3;
        settings.approximationBatches = 1;
        settings.measuringStep = 0.1;
        Training training = new Training(new LabPal(settings), START);
        double[] d = new double[2];
        for (int i = 0; i < 9; i++) {
            double[] before = training.parameters.clone();
            double[] g = gradient(before, i);
            Step step = step(training, i);
            d = new double[]{0.5 * d[0] + g[0], 0.5 * d[1] + g[1]};
            assertEquals(before[0] - step.learningRate() * d[0], training.parameters[0], 1e-12, "batch " + i);
            if (step.outcome() == Outcome.MINIMUM) {
                double[] end = gradient(training.parameters, i);
                assertEquals(0, end[0] * d[0] + end[1] * d[1], 1e-9, "the line's minimum, batch " + i);
            }
        }
    }

    /** A batch whose gradient points the other way, but less than the momentum: nothing is measured, and D goes on. */
    @Test
    void momentumIsKeptWhereALineRises() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.momentum = 0.5;
        settings.searchEvery = 1;
        settings.approximationBatches = 1;
        settings.measuringStep = 0.1;
        Training training = new Training(new LabPal(settings), 4);
        training.step(x -> x[0] * x[0], x -> new double[]{2 * x[0]});
        double[] directions = {0.5 * 8 - 1, 0.5 * (0.5 * 8 - 1) - 1};
        for (double direction : directions) {
            double before = training.parameters[0];
            Step step = training.step(x -> -x[0], x -> new double[]{-1});
            assertEquals(Outcome.NO_DESCENT, step.outcome());
            assertEquals(before - step.learningRate() * direction, training.parameters[0], 1e-12);
        }
    }

    @Test
    void afterTheUntrustedUpdatesMeasurementsAreAveraged() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.untrustedUpdates = 1;
        settings.approximationBatches = 1;
        settings.averagedMeasurements = 2;
        settings.searchEvery = 2;
        settings.measuringStep = 0.1;
        Training training = new Training(new LabPal(settings), START);
        List<Double> single = new ArrayList<>();
        List<Double> kept = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            double[] before = training.parameters.clone();
            double[] g = gradient(before, i);
            Step step = step(training, i);
            if (step.searched()) {
                double gg = g[0] * g[0] + g[1] * g[1];
                single.add(Math.sqrt(gg) * gg / (CURVATURES[0] * g[0] * g[0] + CURVATURES[1] * g[1] * g[1]));
                kept.add(step.stepSize());
            }
        }
        // Searches at batches 0 and 2 are not trusted; one follows at once after them, from which on the last two count.
        assertEquals(5, kept.size());
        assertEquals(single.get(0), kept.get(0), 1e-9);
        assertEquals(single.get(1), kept.get(1), 1e-9);
        assertEquals(single.get(2), kept.get(2), 1e-9);
        assertEquals((single.get(2) + single.get(3)) / 2, kept.get(3), 1e-9);
        assertEquals((single.get(3) + single.get(4)) / 2, kept.get(4), 1e-9);
    }

    @Test
    void alphaActsOnTheMinimumAndTheMaximumOnTheResult() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.approximationBatches = 1;
        settings.stepAdaptation = 1.8;
        Step step = step(new Training(new LabPal(settings), START), 0);
        assertEquals(1.8 * distanceToMinimum(1, 1), step.stepSize(), 1e-6);
        settings.maxStep = 0.3;
        step = step(new Training(new LabPal(settings), START), 0);
        assertEquals(0.3, step.stepSize());
        assertEquals(Outcome.MAXIMUM_STEP, step.outcome());
    }

    @Test
    void withoutAMinimumTheFirstSearchWalksTheMeasuringStepAndLaterOnesKeepWhatTheyHave() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.approximationBatches = 1;
        settings.searchEvery = 2;
        Training training = new Training(new LabPal(settings), 1);
        Step first = training.step(x -> -x[0] * x[0], x -> new double[]{-2 * x[0]});
        assertEquals(Outcome.DOWNHILL, first.outcome());
        assertEquals(settings.measuringStep, first.stepSize());
        training.step(x -> x[0], x -> new double[]{1});
        Step later = training.step(x -> -x[0] * x[0], x -> new double[]{-2 * x[0]});
        assertEquals(Outcome.DOWNHILL, later.outcome());
        assertEquals(first.stepSize(), later.stepSize());
    }

    @Test
    void aLineThatRisesForTheLargeBatchKeepsTheStepInUse() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.approximationBatches = 2;
        Training training = new Training(new LabPal(settings), 1);
        training.step(x -> x[0], x -> new double[]{1});
        Step none = training.step(x -> -5 * x[0], x -> new double[]{-5});
        assertEquals(Outcome.NO_DESCENT, none.outcome());
        assertEquals(1.0, training.parameters[0]);
        assertTrue(Double.isNaN(none.stepSize()));
        Step again = training.step(x -> x[0] * x[0], x -> new double[]{2 * x[0]});
        assertEquals(Outcome.MEASURED, again.outcome(), "a network without any step measures again");
    }

    @Test
    void losesNothingWhenALossIsNotFinite() {
        LabPal.Settings settings = settings(GRADIENT);
        settings.approximationBatches = 1;
        settings.searchEvery = 2;
        Training training = new Training(new LabPal(settings), 1);
        Step bad = training.step(x -> Double.NaN, x -> new double[]{1});
        assertEquals(Outcome.NOT_FINITE, bad.outcome());
        Step good = training.step(x -> x[0] * x[0], x -> new double[]{2 * x[0]});
        assertEquals(Outcome.MINIMUM, good.outcome());
        training.step(x -> x[0], x -> new double[]{1});
        Step badAgain = training.step(x -> Double.POSITIVE_INFINITY, x -> new double[]{1});
        assertEquals(Outcome.REUSED, badAgain.outcome());
        assertEquals(good.stepSize(), badAgain.stepSize());
    }

    @Property(tries = 500)
    void stepsAreFiniteNotNegativeAndNotAboveTheMaximum(@ForAll("numbers") List<Double> numbers, @ForAll boolean normalized,
                                                       @ForAll boolean published,
                                                       @ForAll @IntRange(min = 1, max = 3) int k) {
        LabPal.Settings settings = settings(published);
        settings.normalized = normalized;
        settings.batchSchedule = Map.of(0, k, 20, k + 1);
        settings.searchEvery = 2;
        settings.approximationBatches = 2;
        settings.untrustedUpdates = 3;
        settings.momentum = k == 2 ? 0.5 : 0;
        settings.maxStep = 0.5;
        settings.stepAdaptation = 1.8;
        Training training = new Training(new LabPal(settings), 1);
        for (int i = 0; i < 60; i++) {
            double here = training.parameters[0];
            double atStart = numbers.get(i % numbers.size());
            double elsewhere = numbers.get((2 * i + 1) % numbers.size());
            double gradient = numbers.get((3 * i + 2) % numbers.size());
            Step step = training.step(x -> x[0] == here ? atStart : elsewhere, x -> new double[]{gradient});
            assertTrue(Double.isNaN(step.stepSize()) || step.stepSize() > 0 && step.stepSize() <= 0.5, step.stepSize() + "");
            assertTrue(step.learningRate() >= 0, step.learningRate() + "");
            assertTrue(Double.isNaN(step.stepSize()) ? step.learningRate() == 0
                    : Double.isFinite(step.learningRate()), step.learningRate() + "");
        }
    }

    @Provide
    Arbitrary<List<Double>> numbers() {
        Arbitrary<Double> number = Arbitraries.oneOf(Arbitraries.doubles().between(-10, 10),
                Arbitraries.doubles().between(-10, 10), Arbitraries.doubles(),
                Arbitraries.of(Double.NaN, Double.POSITIVE_INFINITY, 0.0));
        return number.list().ofMinSize(1).ofMaxSize(40);
    }

    private static String letters(List<Outcome> outcomes) {
        StringBuilder letters = new StringBuilder();
        for (Outcome outcome : outcomes) {
            letters.append(outcome == Outcome.MEASURED ? 'M' : outcome == Outcome.MINIMUM ? 'S'
                    : outcome == Outcome.REUSED ? 'U' : outcome == Outcome.ACCUMULATED ? 'A' : '?');
        }
        return letters.toString();
    }

    /** A learning rate that was measured where gradients are small must not follow them wherever they grow. */
    @Test
    void anUpdateIsAtMostTwiceAsLongAsTheMeasuredStep() {
        Training training = new Training(new LabPal(settings(GRADIENT)), START);
        Step step = step(training, 0);
        while (step.factor() == 0) {
            step = step(training, 0);
        }
        double kept = step.stepSize();
        double[] huge = {3e4, -4e4};
        assertEquals(2 * kept / 5e4, training.step(x -> 1, x -> huge.clone()).learningRate(), 1e-12 * kept);
        double[] tiny = {3e-4, -4e-4};
        double rate = training.step(x -> 1, x -> tiny.clone()).learningRate();
        assertTrue(rate * 5e-4 < kept, "a shorter gradient makes a shorter update: " + rate);
    }
}
