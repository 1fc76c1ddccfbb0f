package io.github.dl4jstepsize.rule;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The rules of the Armijo family, on problems whose losses are known in closed form. */
class ArmijoFamilyTest {

    private static final int ITERATIONS = 20;
    private static final boolean ARMIJO = false;
    private static final boolean GOLDSTEIN = true;
    private static final boolean SGD = false;
    private static final boolean ADAM = true;
    /** Losses are sums of a few doubles; decreases are differences of them. */
    private static final double ROUNDING = 1e-12;

    @Provide
    Arbitrary<Quadratic> quadratics() {
        return Combinators.combine(Arbitraries.doubles().between(0, 10),
                Arbitraries.doubles().between(0.01, 100).array(double[].class).ofSize(4),
                Arbitraries.doubles().between(0.1, 10).array(double[].class).ofSize(4)).as(Quadratic::new);
    }

    @Provide
    Arbitrary<double[]> preconditioners() {
        return Arbitraries.doubles().between(0.01, 10).array(double[].class).ofSize(4);
    }

    private static Sls.Settings sls(boolean goldstein) {
        Sls.Settings settings = new Sls.Settings();
        settings.goldstein = goldstein;
        settings.initialStep = 1;
        settings.c = 0.1;
        settings.backtrack = 0.5;
        settings.growth = 1000;
        settings.goldsteinGrowth = 2;
        settings.maxStep = 10;
        settings.reset = Sls.Reset.GROW;
        settings.maxTrials = 100;
        return settings;
    }

    private static AccuracySls.Settings accuracySls() {
        AccuracySls.Settings settings = new AccuracySls.Settings();
        settings.epsilon = 1e-4;
        settings.searchBatch = AccuracySls.SearchBatch.SAME;
        settings.searchEvery = 1;
        settings.initialStep = 1;
        settings.c = 0.1;
        settings.backtrack = 0.5;
        settings.growth = 1000;
        settings.maxStep = 10;
        settings.maxTrials = 5;
        return settings;
    }

    private static Salsa.Settings salsa(boolean adam) {
        Salsa.Settings settings = new Salsa.Settings();
        settings.adam = adam;
        settings.initialStep = 1;
        settings.c = 0.3;
        settings.beta1 = 0.9;
        settings.beta2 = 0.999;
        settings.beta3 = 0.9;
        settings.growth = 1.1;
        settings.backtrack = 0.8;
        settings.maxInterval = 10;
        settings.maxTrials = 100;
        return settings;
    }

    /** The published code's optimizer neither searches nor moves where |g| is below 1e-8, but has made the step longer before. */
    @Test
    void nothingIsTriedWhereTheGradientIsNegligible() {
        Quadratic problem = new Quadratic(1, new double[]{1}, new double[]{1e-9});
        problem.batchesPerEpoch = 10;
        Sls.Settings settings = sls(ARMIJO);
        assertEquals(settings.initialStep, new Sls(settings).step(problem).stepSize());
        settings.asPublished = true;
        Step step = new Sls(settings).step(problem);
        assertEquals(0, step.factor());
        assertEquals(Math.pow(settings.growth, 0.1), step.stepSize(), ROUNDING);
        assertEquals(0, problem.trials);
    }

    /** Where 0 is does not matter to differences of losses; before a search has succeeded there is no step to take. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void salsaTakesNoUntestedSteps(boolean adam) {
        Quadratic positive = new Quadratic(100, new double[]{4, 1}, new double[]{1, -2});
        Quadratic negative = new Quadratic(-100, new double[]{4, 1}, new double[]{1, -2});
        Salsa[] rules = {new Salsa(salsa(adam)), new Salsa(salsa(adam))};
        for (int i = 0; i < ITERATIONS; i++) {
            Step expected = rules[0].step(positive);
            Step step = rules[1].step(negative);
            assertEquals(expected.outcome(), step.outcome());
            assertEquals(expected.factor(), step.factor(), 1e-9 * expected.factor());
            positive.move(expected);
            positive.prepare();
            negative.move(step);
            negative.prepare();
        }
        Quadratic flat = new Quadratic(0, new double[]{1e-5}, new double[]{1e-3});
        Salsa.Settings seldom = salsa(adam);
        seldom.adaptiveFrequency = true;
        Salsa rule = new Salsa(seldom);
        for (int i = 0; i < ITERATIONS; i++) {
            assertEquals(0, rule.step(flat).factor());
            flat.prepare();
        }
        assertEquals(0, flat.trials);
    }

    @Property(tries = 200)
    void armijoHoldsAtEveryAcceptedStep(@ForAll("quadratics") Quadratic problem,
                                        @ForAll("preconditioners") double[] preconditioner,
                                        @ForAll @DoubleRange(min = 0.01, max = 0.9) double c,
                                        @ForAll @DoubleRange(min = 0.1, max = 0.95) double backtrack) {
        Sls.Settings settings = sls(ARMIJO);
        settings.c = c;
        settings.backtrack = backtrack;
        settings.maxTrials = 1000;
        Sls rule = new Sls(settings);
        for (int i = 0; i < ITERATIONS; i++) {
            problem.prepare(preconditioner);
            Step step = rule.step(problem);
            if (step.outcome() == Outcome.ACCEPTED) {
                double bound = problem.at(0) - c * step.learningRate() * problem.slope();
                assertTrue(problem.at(step.learningRate()) <= bound + ROUNDING * problem.at(0), "Armijo at iteration " + i);
                assertTrue(step.searched());
            } else {
                // A line that falls meets the condition unless its decrease drowns in rounding errors.
                assertTrue(problem.slope() * problem.slope() < 1e-9 * problem.at(0), step.outcome() + " at iteration " + i);
            }
            problem.move(step);
        }
    }

    @Property(tries = 200)
    void goldsteinHoldsOnBothSides(@ForAll("quadratics") Quadratic problem,
                                   @ForAll("preconditioners") double[] preconditioner,
                                   @ForAll @DoubleRange(min = 0.01, max = 0.45) double c,
                                   @ForAll @DoubleRange(min = 0.1, max = 0.95) double backtrack) {
        Sls.Settings settings = sls(GOLDSTEIN);
        settings.c = c;
        settings.backtrack = backtrack;
        settings.maxStep = 1e9;
        Sls rule = new Sls(settings);
        int accepted = 0;
        for (int i = 0; i < 5; i++) {
            problem.prepare(preconditioner);
            Step step = rule.step(problem);
            double loss = problem.at(step.learningRate());
            double change = step.learningRate() * problem.slope();
            if (step.outcome() == Outcome.ACCEPTED) {
                accepted++;
                assertTrue(loss <= problem.at(0) - c * change + ROUNDING * problem.at(0), "too long at iteration " + i);
                assertTrue(loss >= problem.at(0) - (1 - c) * change - ROUNDING * problem.at(0), "too short at iteration " + i);
            }
            problem.move(step);
        }
        assertTrue(accepted > 0);
    }

    @Property(tries = 100)
    void salsaAcceptsWhereTheAveragesMeetTheCondition(@ForAll("quadratics") Quadratic problem,
                                                      @ForAll boolean adam) {
        Salsa.Settings settings = salsa(adam);
        Salsa rule = new Salsa(settings);
        double h = 0;
        double g = 0;
        for (int i = 0; i < ITERATIONS; i++) {
            problem.prepare();
            double loss = problem.at(0);
            ArrayVector gradient = new ArrayVector(((ArrayVector) problem.gradient()).values.clone());
            Step step = rule.step(problem);
            g = 0.9 * g + 0.1 * gradient.dot(problem.direction());
            if (step.outcome() == Outcome.ACCEPTED) {
                double decrease = loss - problem.at(step.learningRate());
                if (decrease != 0) {
                    h = 0.9 * h + 0.1 * decrease;
                    assertTrue(h >= settings.c * step.learningRate() * g - ROUNDING * loss, "iteration " + i);
                }
            }
            problem.move(step);
        }
    }

    @Property(tries = 100)
    void everyTrialIsOnePassAndNoMore(@ForAll("quadratics") Quadratic problem,
                                      @ForAll @DoubleRange(min = 0.1, max = 0.95) double backtrack) {
        Sls.Settings settings = sls(ARMIJO);
        settings.reset = Sls.Reset.RESTART;
        settings.backtrack = backtrack;
        problem.prepare();
        Step step = new Sls(settings).step(problem);
        // s = backtrack^k after k refused trials
        long refused = Math.round(Math.log(step.stepSize()) / Math.log(backtrack));
        assertEquals(refused + 1, problem.trials);
    }

    @Test
    void aLineThatDoesNotFallCostsNothing() {
        Quadratic problem = new Quadratic(1, new double[]{1, 1}, new double[]{1, 1});
        problem.prepare(new double[]{-1, -1});
        Sls rule = new Sls(sls(ARMIJO));
        Step untested = rule.step(problem);
        assertEquals(Outcome.NO_DESCENT, untested.outcome());
        assertEquals(0, untested.learningRate(), "no step has been tested yet");
        assertEquals(0, problem.trials);

        problem.prepare();
        double inUse = rule.step(problem).stepSize();
        problem.prepare(new double[]{-1, -1});
        assertEquals(inUse, rule.step(problem).learningRate());
        assertEquals(0, problem.trials);
    }

    @Test
    void failedSearchesLeaveTheParametersAndAUsableStep() {
        for (StepRule rule : new StepRule[]{new Sls(sls(ARMIJO)), new Sls(sls(GOLDSTEIN)),
                new Salsa(salsa(SGD)), new Salsa(salsa(ADAM))}) {
            Quadratic problem = new Quadratic(1, new double[]{1, 1}, new double[]{1, 1});
            for (int i = 0; i < 50; i++) {
                problem.prepare();
                problem.trialFactor = Double.NaN;
                Step step = rule.step(problem);
                assertEquals(Outcome.REJECTED, step.outcome());
                assertEquals(0, step.learningRate());
                // Halved each time, from 1 at first, and not below 1e-4.
                assertEquals(Math.max(Math.pow(0.5, i + 1), 1e-4), step.stepSize(), 0.5e-4);
            }
            problem.trialFactor = 1;
            problem.prepare();
            assertEquals(Outcome.ACCEPTED, rule.step(problem).outcome(), rule.getClass().getSimpleName());
        }
    }

    @Test
    void oneOddBatchDoesNotFreezeTheAccuracySearch() {
        Quadratic problem = new Quadratic(1, new double[]{1, 1}, new double[]{1, 1});
        AccuracySls rule = new AccuracySls(accuracySls());
        double inUse = rule.step(problem).stepSize();
        problem.prepare();
        problem.trialFactor = -1;
        Step odd = rule.step(problem);
        assertEquals(Outcome.NO_DESCENT, odd.outcome());
        assertEquals(inUse, odd.learningRate(), "the step in use");
        assertEquals(1, problem.trials, "the finite difference only");

        AccuracySls.Settings settings = accuracySls();
        settings.asPublished = true;
        settings.maxTrials = 100;
        settings.backtrack = 0.9;
        settings.growth = 1;
        AccuracySls published = new AccuracySls(settings);
        problem.prepare();
        assertEquals(Math.pow(0.9, 100), published.step(problem).stepSize(), 1e-12, "the published code's collapse");
        assertEquals(101, problem.trials);
    }

    @Test
    void smallMarginsLeaveTheSearchToTheLoss() {
        AccuracySls.Settings settings = accuracySls();
        settings.slopeFactor = 1;
        settings.initialStep = 1.5;
        settings.c = 0.5;
        settings.growth = 1;
        // The error along the line rises; the loss is x^2/2, whose longest acceptable step is 1.
        assertEquals(0.75, new AccuracySls(settings).step(withError(0.46)).learningRate(), 1e-12,
                "1.5 is too long, half of it is not");
        assertEquals(Outcome.NO_DESCENT, new AccuracySls(settings).step(withError(0.44)).outcome());
        settings.slopeFactor = 0.1;
        // Mean margins of about 0.1 and 0.3.
        assertEquals(Outcome.ACCEPTED, new AccuracySls(settings).step(withError(0.4975)).outcome());
        assertEquals(Outcome.NO_DESCENT, new AccuracySls(settings).step(withError(0.4925)).outcome());
        settings.slopeFactor = 100;
        assertEquals(Outcome.ACCEPTED, new AccuracySls(settings).step(withError(0.46)).outcome());
        assertEquals(Outcome.NO_DESCENT, new AccuracySls(settings).step(withError(0.44)).outcome());
        settings.slopeFactor = 1;
        settings.asPublished = true;
        assertEquals(Outcome.REJECTED, new AccuracySls(settings).step(withError(0.46)).outcome(), "as published");
    }

    /** On another batch a value at the present point costs a pass, too. */
    @Test
    void anotherBatchIsPassedAsOftenAsNeeded() {
        AccuracySls.Settings settings = accuracySls();
        settings.slopeFactor = 1;
        settings.growth = 1;
        settings.searchBatch = AccuracySls.SearchBatch.ANOTHER;
        // Errors of 0.31, and of 0.5, which means no margins.
        for (double offset : new double[]{0.3, 0.49}) {
            AccuracySls rule = new AccuracySls(settings);
            Quadratic problem = new Quadratic(offset, new double[]{0.02}, new double[]{1});
            for (int i = 0; i < 3; i++) {
                problem.prepare();
                assertEquals(Outcome.ACCEPTED, rule.step(problem).outcome());
            }
            assertEquals(2, problem.trials, "epsilon and one step");
            assertEquals(offset > 0.45 ? 2 : 1, problem.starts, "the error, and the loss if that decides");
        }
    }

    private static Quadratic withError(double error) {
        Quadratic problem = new Quadratic(error - 0.005, new double[]{0.01}, new double[]{1});
        problem.trialFactor = -1;
        problem.gradient = new ArrayVector(new double[]{1});
        problem.direction = problem.gradient;
        problem.differentiated = (step, along) -> (1 - step) * (1 - step) / 2;
        return problem;
    }

    @Test
    void theStepGrowsByGammaInACountedEpoch() {
        Quadratic problem = new Quadratic(1, new double[]{1e-6, 1e-6}, new double[]{1, 1});
        Sls.Settings settings = sls(ARMIJO);
        settings.growth = 8;
        settings.maxStep = 1e9;
        Sls rule = new Sls(settings);
        problem.batchesPerEpoch = 3;
        for (int i = 1; i <= 6; i++) {
            assertEquals(Math.pow(2, i), rule.step(problem).stepSize(), 1e-9);
        }
        settings.reset = Sls.Reset.KEEP;
        assertEquals(64, rule.step(problem).stepSize(), 1e-9);
        settings.reset = Sls.Reset.RESTART;
        assertEquals(1, rule.step(problem).stepSize(), 1e-9);
        settings.reset = Sls.Reset.GROW;
        settings.batchesPerEpoch = 1;
        assertEquals(8, rule.step(problem).stepSize(), 1e-9, "a given number goes before the counted one");
    }

    /** The slides' formula for SGD, with the search's interval, written out. */
    @Test
    void salsaWithTheGradientFollowsTheSlides() {
        Quadratic problem = new Quadratic(0, new double[]{1, 3, 10}, new double[]{1, -2, 3});
        Salsa.Settings settings = salsa(SGD);
        settings.adaptiveFrequency = true;
        Salsa rule = new Salsa(settings);
        double eta = 1;
        double h = 0;
        double s = 0;
        double fast = 0;
        double slow = 0;
        int since = 0;
        boolean skipped = false;
        for (int t = 1; t <= 100 && problem.at(0) > 1e-6; t++) {
            problem.prepare();
            Step step = rule.step(problem);
            since++;
            double r = t == 1 ? 1 : fast > slow ? fast / slow : slow / fast;
            boolean search = t < 10 || since >= Math.min(10, 1 / (r - 1 + 1e-8));
            assertEquals(search, step.searched(), "iteration " + t);
            if (search) {
                since = 0;
                s = 0.9 * s + 0.1 * problem.slope();
                eta *= 1.1;
                while (0.9 * h + 0.1 * (problem.at(0) - problem.at(eta)) < 0.3 * eta * s) {
                    eta *= 0.8;
                }
                h = 0.9 * h + 0.1 * (problem.at(0) - problem.at(eta));
                fast = t == 1 ? eta : 0.9 * fast + 0.1 * eta;
                slow = t == 1 ? eta : 0.99 * slow + 0.01 * eta;
            }
            skipped |= !search;
            assertEquals(eta, step.learningRate(), 1e-9 * eta, "iteration " + t);
            problem.move(step);
        }
        assertTrue(skipped);
    }

    @Test
    void aBatchThatIsNotFiniteCostsNothing() {
        for (StepRule rule : new StepRule[]{new Sls(sls(ARMIJO)), new Salsa(salsa(ADAM)),
                new AccuracySls(accuracySls())}) {
            Quadratic problem = new Quadratic(1, new double[]{1, 1}, new double[]{Double.NaN, 1});
            Step step = rule.step(problem);
            assertEquals(Outcome.NOT_FINITE, step.outcome());
            assertEquals(0, step.learningRate());
            assertFalse(step.searched());
            assertEquals(0, problem.trials);
        }
    }
}
