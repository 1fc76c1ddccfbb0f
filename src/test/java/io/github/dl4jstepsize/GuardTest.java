package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** What happens when losses and gradients are NaN or infinite, and when step sizes shrink to nothing. */
class GuardTest {

    static Stream<StepSizeUpdater> updaters() {
        return Stream.of(new PalUpdater(), new LabPalUpdater(), new L4Updater(),
                L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build(), new GolsUpdater(),
                new DogUpdater(), new ProdigyUpdater(), new MomoUpdater(),
                MomoUpdater.builder().direction(MomoUpdater.Direction.MOMENTUM).build());
    }

    private static MultiDataSet batch(Problem problem, int number, float poison) {
        MultiDataSet batch = problem.batch(number, 8, DataType.FLOAT);
        if (poison != 1) {
            // A product with NaN is not NaN in ND4J's native code.
            batch.getFeatures(0).assign(poison);
        }
        return batch;
    }

    private static Model network(Problem problem, StepSizeUpdater updater, StepSizeListener listener) {
        Model model = problem.network(updater, DataType.FLOAT);
        model.addListeners(listener);
        return model;
    }

    private static void assertUnchanged(INDArray parameters, Model model) {
        assertEquals(0.0, ForwardPassTest.maxDifference(parameters, model.params()));
    }

    /** Parameters, BatchNorm's running statistics and the averages of the base updater stay as they are. */
    @ParameterizedTest
    @MethodSource("updaters")
    void aBatchThatIsNotFiniteLeavesNoTrace(StepSizeUpdater updater) {
        for (Problem problem : new Problem[]{Problem.CNN_BATCH_NORM_DROPOUT, Problem.RESIDUAL_GRAPH}) {
            Model model = network(problem, updater, new StepSizeListener());
            int number = 0;
            for (float poison : new float[]{Float.NaN, Float.POSITIVE_INFINITY}) {
                for (int i = 0; i < 3; i++) {
                    Problem.fit(model, batch(problem, number++, 1));
                    assertTrue(Double.isFinite(StepSizes.lastRecord(model).loss()));
                }
                INDArray parameters = model.params().dup();
                int notFinite = notFinite(state(model));
                Problem.fit(model, batch(problem, number++, poison));
                assertEquals(Outcome.NOT_FINITE, StepSizes.lastRecord(model).outcome());
                assertEquals(0, StepSizes.lastRecord(model).learningRate());
                assertUnchanged(parameters, model);
                assertEquals(notFinite, notFinite(state(model)), updater + ": the state is poisoned");
            }
            Problem.fit(model, batch(problem, number, 1));
            assertEquals(0, notFinite(model.params()));
        }
    }

    private static INDArray state(Model model) {
        return model instanceof MultiLayerNetwork ? ((MultiLayerNetwork) model).updaterState()
                : ((ComputationGraph) model).getUpdater(false).getStateViewArray();
    }

    /** LABPAL saves NaN for a step that it does not know yet. */
    private static int notFinite(INDArray array) {
        return array.cond(Conditions.notFinite()).castTo(DataType.INT).sumNumber().intValue();
    }

    /** Where another listener has DL4J make a new network updater, which has no record of the iteration. */
    @Test
    void trainingStopsWhereALearningRateIsSetBefore() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(new L4Updater()).list()
                .layer(new DenseLayer.Builder().nIn(12).nOut(8).updater(new Sgd(0.1)).build())
                .layer(Problem.classes(4).build()).build());
        network.init();
        network.setListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                network.setLearningRate(0, 0.1);
            }
        }, new StepSizeListener().maxNotFinite(2));
        Problem.fit(network, batch(Problem.MLP_CLIPPED, 1, Float.NaN));
        String message = assertThrows(IllegalStateException.class,
                () -> Problem.fit(network, batch(Problem.MLP_CLIPPED, 2, Float.NaN))).getMessage();
        assertTrue(message.contains("stopped at iteration 1"), message);
    }

    /** A gradient whose square overflows is still a gradient. */
    @Test
    void aHugeGradientIsFinite() {
        INDArray gradient = Nd4j.create(new float[]{1e30f, -1e30f, 0}, new long[]{1, 3});
        assertTrue(Guard.isFinite(1, gradient));
        assertFalse(Guard.isFinite(Double.NaN, gradient));
        assertFalse(Guard.isFinite(1, gradient.putScalar(2, Float.NaN)));
        assertFalse(Guard.isFinite(1, gradient.putScalar(2, Float.NEGATIVE_INFINITY)));
    }

    @Test
    void trainingStopsAfterTenInARowAndSaysWhere() {
        Model model = network(Problem.MLP_CLIPPED, new PalUpdater(), new StepSizeListener());
        for (int i = 0; i < 4; i++) {
            Problem.fit(model, batch(Problem.MLP_CLIPPED, i, 1));
        }
        double good = StepSizes.lastRecord(model).stepSize();
        INDArray parameters = model.params().dup();
        for (int i = 4; i < 13; i++) {
            Problem.fit(model, batch(Problem.MLP_CLIPPED, i, Float.NaN));
        }
        IllegalStateException thrown = assertThrows(IllegalStateException.class,
                () -> Problem.fit(model, batch(Problem.MLP_CLIPPED, 13, Float.NaN)));
        assertTrue(thrown.getMessage().contains("iteration 13"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("loss is NaN"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("last good step size was " + good), thrown.getMessage());
        assertUnchanged(parameters, model);
    }

    @Test
    void aFiniteBatchStartsTheCountAnewAndTheListenerSetsTheNumber() {
        Model model = network(Problem.MLP_CLIPPED, new L4Updater(), new StepSizeListener().maxNotFinite(2));
        for (int i = 0; i < 6; i++) {
            Problem.fit(model, batch(Problem.MLP_CLIPPED, i, i % 2 == 0 ? Float.NaN : 1));
        }
        Problem.fit(model, batch(Problem.MLP_CLIPPED, 6, Float.NaN));
        assertThrows(IllegalStateException.class, () -> Problem.fit(model, batch(Problem.MLP_CLIPPED, 7, Float.NaN)));
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class,
                () -> new StepSizeListener().maxNotFinite(0));
        assertTrue(thrown.getMessage().contains("maxNotFinite is 0"), thrown.getMessage());
    }

    @Test
    void trialsThatAreNotFiniteCountToo() {
        Model model = network(Problem.MLP_CLIPPED, new ProbeUpdater(batch -> Step.searched(0, 0.5, Outcome.NOT_FINITE)),
                new StepSizeListener().maxNotFinite(3));
        Problem.fit(model, batch(Problem.MLP_CLIPPED, 0, 1));
        Problem.fit(model, batch(Problem.MLP_CLIPPED, 1, 1));
        assertThrows(IllegalStateException.class, () -> Problem.fit(model, batch(Problem.MLP_CLIPPED, 2, 1)));
    }

    @Test
    void aStepThatIsNotFiniteIsNotTaken() {
        Model model = network(Problem.MLP_CLIPPED,
                new ProbeUpdater(batch -> Step.searched(Double.NaN, Double.NaN, Outcome.MINIMUM)), new StepSizeListener());
        INDArray parameters = model.params().dup();
        Problem.fit(model, batch(Problem.MLP_CLIPPED, 0, 1));
        assertEquals(Outcome.NOT_FINITE, StepSizes.lastRecord(model).outcome());
        assertUnchanged(parameters, model);
    }

    /** In single precision: a factor that is too large by itself, and one whose products with the gradient are. */
    @Test
    void aStepThatOverflowsIsNotTaken() {
        for (double factor : new double[]{1e200, -1e39, 3e38}) {
            Model model = network(Problem.MLP_CLIPPED, new ProbeUpdater(batch -> {
                batch.direction().scale(1e4);
                return Step.searched(factor, factor, Outcome.MINIMUM);
            }), new StepSizeListener());
            INDArray parameters = model.params().dup();
            Problem.fit(model, batch(Problem.MLP_CLIPPED, 0, 1));
            assertEquals(Outcome.NOT_FINITE, StepSizes.lastRecord(model).outcome());
            assertEquals(0, StepSizes.lastRecord(model).learningRate());
            assertUnchanged(parameters, model);
        }
    }

    /** The base updater is not run on such a batch, so that its bias corrections must not count it either. */
    @Test
    void adamGoesOnAsIfTheBatchHadNotBeen() {
        Model clean = network(Problem.MLP_CLIPPED, new ProbeUpdater(batch -> Step.chosen(0.01, 0.01, Outcome.REUSED),
                new Adam()), new StepSizeListener());
        Model poisoned = network(Problem.MLP_CLIPPED, new ProbeUpdater(batch -> Step.chosen(0.01, 0.01, Outcome.REUSED),
                new Adam()), new StepSizeListener());
        for (int i = 0; i < 5; i++) {
            Problem.fit(clean, batch(Problem.MLP_CLIPPED, i, 1));
            Problem.fit(poisoned, batch(Problem.MLP_CLIPPED, 100, Float.NaN));
            Problem.fit(poisoned, batch(Problem.MLP_CLIPPED, i, 1));
        }
        assertUnchanged(clean.params(), poisoned);
    }

    @Test
    void warnsOnceWhenStepSizesHaveDiminishedForAnEpoch() {
        int batches = 4;
        int[] count = new int[1];
        StepSizeUpdater diminishing = new ProbeUpdater(batch -> {
            double step = count[0]++ < batches ? 1 : 0.9e-7;
            return Step.chosen(step * 1e-3, step, Outcome.REUSED);
        });
        MultiLayerNetwork network = (MultiLayerNetwork) network(Problem.MLP_CLIPPED, diminishing, new StepSizeListener());
        assertEquals(List.of(0, 1, 0, 0, 0), Stream.of(1, 2, 3, 4, 5)
                .map(epoch -> warnings(network, batches, "for a whole epoch")).collect(Collectors.toList()),
                "the second epoch is all diminished");
    }

    /** Epochs of fewer than a hundred batches are taken together. */
    @ParameterizedTest
    @CsvSource({"100, 3", "50, 6"})
    void warnsOnceWhenAnEpochHasNotLoweredTheLoss(int batches, int epochsBefore) {
        int[] iterations = new int[1];
        StepSizeUpdater uphill = new ProbeUpdater(batch -> {
            double rate = iterations[0]++ < 200 ? 1e-3 : -1e-1;
            return Step.chosen(rate, rate, Outcome.CONSTANT);
        });
        MultiLayerNetwork network = (MultiLayerNetwork) network(Problem.MLP_CLIPPED, uphill, new StepSizeListener());
        for (int epoch = 0; epoch < epochsBefore + 4; epoch++) {
            assertEquals(epoch == epochsBefore ? 1 : 0, warnings(network, batches, "the mean loss of epoch"),
                    "iterations 201 to 300 go uphill, which is known when they are over: epoch " + epoch);
        }
    }

    @ParameterizedTest
    @CsvSource({"1e-6, 1", "1, 0"})
    void warnsOnceWhenFourEpochsHaveHardlyLoweredTheLoss(double rate, int expected) {
        StepSizeUpdater slow = new ProbeUpdater(batch -> Step.chosen(rate, rate, Outcome.CONSTANT));
        MultiLayerNetwork network = (MultiLayerNetwork) network(Problem.MLP_CLIPPED, slow, new StepSizeListener());
        List<DataSet> sameBatch = Collections.nCopies(100, dataSet(0));
        for (int epoch = 0; epoch < 7; epoch++) {
            int warnings = warnings(network, sameBatch, "the mean loss of epoch 3 was [^\n]*, hardly lower");
            assertEquals(epoch == 4 ? expected : 0, warnings, "epoch " + epoch);
        }
    }

    /**
     * 0.93 of the first epoch's mean is where the fourth one's is hardly lower; 0.85 if every step is searched, whether that
     * of the iteration which begins the next epoch is or not.
     */
    @ParameterizedTest
    @CsvSource({"0, 0, 0, 0.94, 1", "0, 0, 0, 0.92, 0", "1, 0, 1, 0.86, 1", "0, 4, 1, 0.86, 1", "1, 0, 1, 0.84, 0",
        "1, 0, 2, 0.86, 0", "1, 0, -20, 0.86, 1", "1, 0, 400, 0.86, 0"})
    void hardlyLowerBeginsWhereTheExperimentsSay(int forwardPasses, int gradientPasses, int every, double ofTheFirst,
                                                 int expected) {
        IntPredicate isSearched = i -> every < 0 ? i % every != 0 : every > 0 && i % every == 0;
        String printed = printedWith(new ProbeUpdater(batch -> Step.chosen(1, 1, Outcome.CONSTANT)), forwardPasses,
                gradientPasses, isSearched, ofTheFirst);
        assertEquals(expected, printed.split("hardly lower", -1).length - 1, printed);
    }

    /** L4 diverged where it took what clipping had left of the gradient for the slope of the loss. */
    @Test
    void warnsOfClippedGradientsWhereTheirSlopeMatters() {
        String warning = "L4Updater: the network has gradientNormalization(ClipL2PerLayer)";
        assertTrue(printed(() -> Problem.MLP_CLIPPED.fit(network(Problem.MLP_CLIPPED, new L4Updater(), new StepSizeListener()),
                3)).contains(warning));
        for (StepSizeUpdater updater : List.of(new AutoUpdater(), new AccuracySlsUpdater())) {
            assertFalse(printed(() -> Problem.MLP_CLIPPED.fit(network(Problem.MLP_CLIPPED, updater, new StepSizeListener()), 3))
                    .contains("gradientNormalization"));
        }
        assertFalse(printed(() -> Problem.MLP_DROPOUT_L2.fit(network(Problem.MLP_DROPOUT_L2, new L4Updater(),
                new StepSizeListener()), 3)).contains("gradientNormalization"));
    }

    /** Whether the largest of three columns is 32 times or 31 times as large as the others, sqrt(1000) being the bound. */
    @ParameterizedTest
    @CsvSource({"32, 1", "31, 0"})
    void warnsOnceOfTablesThatNobodyHasStandardized(double size, int expected) {
        ComputationGraph network = new ComputationGraph(new NeuralNetConfiguration.Builder().updater(new AutoUpdater())
                .graphBuilder().addInputs("in").setInputTypes(InputType.feedForward(3))
                .addLayer("a", new DenseLayer.Builder().nOut(4).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nOut(4).build(), "in")
                .addLayer("output", Problem.classes(4).build(), "a", "b").setOutputs("output").build());
        network.init();
        network.addListeners(new StepSizeListener());
        INDArray columns = Nd4j.ones(DataType.FLOAT, 8, 3);
        columns.getColumn(1).assign(-size);
        String printed = printed(() -> {
            for (int i = 0; i < 3; i++) {
                network.fit(new DataSet(columns, Problem.oneHot(1, DataType.FLOAT, 8, 4)));
            }
        });
        assertEquals(expected, printed.split("the largest is 32 times as large as most", -1).length - 1, printed);
        assertEquals(expected, printed.split("standardize", -1).length - 1, printed);
    }

    @Test
    void autoUpdaterIsNotRecommendedToThoseWhoHaveIt() {
        assertTrue(printedWith(new PalUpdater(), 0.94).contains("or another method, for example AutoUpdater"));
        assertTrue(printedWith(new AutoUpdater(), 0.94).contains("hardly lower"));
        assertFalse(printedWith(new AutoUpdater(), 0.94).contains("for example"));
    }

    /** Two of an epoch's batches are bad: one warning at the first, one of both when the epoch is over, of its last one, too. */
    @Test
    void batchesThatAreLeftOutAreNotLeftOutInSilence() {
        Guard guard = new Guard();
        String printed = printed(() -> {
            for (int i = 0; i < 10; i++) {
                boolean bad = i == 1 || i == 3 || i > 7;
                guard.watch(new StepRecord(i, i / 5, bad ? Double.NaN : 1, bad ? Step.chosen(0, 1, Outcome.NOT_FINITE)
                        : Step.chosen(1, 1, Outcome.CONSTANT), 0, 0), 5, new PalUpdater());
            }
            guard.epochEnds(new PalUpdater());
        });
        assertEquals(4, printed.split("WARN", -1).length - 1, printed);
        assertTrue(printed.contains("in iteration 1 (loss NaN)"), printed);
        assertEquals(2, printed.split("in 2 iterations of an epoch", -1).length - 1, printed);
    }

    /** Where DL4J begins no epochs, whoever has said how many there will be is told, once, to count them. */
    @ParameterizedTest
    @CsvSource({"true, true, 1", "true, false, 0", "false, true, 0"})
    void whoPassesSingleBatchesIsToldToCountEpochs(boolean single, boolean epochs, int expected) {
        MultiLayerNetwork network = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(new AutoUpdater(), DataType.FLOAT);
        network.setListeners(epochs ? new StepSizeListener().epochs(3) : new StepSizeListener().iterations(3));
        String printed = printed(() -> {
            for (int i = 0; i < 3; i++) {
                if (single) {
                    network.fit(dataSet(i));
                } else {
                    network.fit(new ListDataSetIterator<>(List.of(dataSet(i)), 1));
                }
            }
        });
        assertEquals(expected, printed.split("incrementEpochCount", -1).length - 1, printed);
    }

    private static String printedWith(StepSizeUpdater updater, double ofTheFirst) {
        return printedWith(updater, 0, 0, i -> false, ofTheFirst);
    }

    /** Five epochs, the fourth with so much of the first one's loss. */
    private static String printedWith(StepSizeUpdater updater, int forwardPasses, int gradientPasses, IntPredicate isSearched,
                                      double ofTheFirst) {
        Guard guard = new Guard();
        return printed(() -> {
            for (int epoch = 0; epoch < 5; epoch++) {
                for (int i = 0; i < 100; i++) {
                    double loss = epoch == 3 ? ofTheFirst : epoch == 0 ? 1 : 0.99;
                    boolean searched = isSearched.test(100 * epoch + i);
                    guard.watch(new StepRecord(100 * epoch + i, epoch, loss, Step.chosen(1, 1, Outcome.CONSTANT),
                            searched ? forwardPasses : 0, searched ? gradientPasses : 0), 100, updater);
                }
            }
        });
    }

    private static DataSet dataSet(int seed) {
        MultiDataSet batch = batch(Problem.MLP_CLIPPED, seed, 1);
        return new DataSet(batch.getFeatures(0), batch.getLabels(0));
    }

    /** The first epoch that later ones are compared with is then the first one on the other data. */
    @ParameterizedTest
    @CsvSource({"true, 0", "false, 1"})
    void doesNotCompareWithEpochsOnOtherData(boolean changed, int expected) {
        Guard guard = new Guard();
        String printed = printed(() -> {
            for (int i = 0; i < 500; i++) {
                if (i == 150 && changed) {
                    guard.dataChanged();
                }
                guard.watch(new StepRecord(i, i / 100, i < 150 ? 1 : 5 - i / 100.0, Step.chosen(1, 1, Outcome.CONSTANT), 0, 0),
                        100, new LabPalUpdater());
            }
        });
        assertEquals(expected, printed.split("no lower", -1).length - 1, printed);
    }

    private static int warnings(MultiLayerNetwork network, int batches, String message) {
        return warnings(network, IntStream.range(0, batches).mapToObj(GuardTest::dataSet).collect(Collectors.toList()), message);
    }

    /** Trains for an epoch and counts the warnings that SLF4J's simple logger prints. */
    private static int warnings(MultiLayerNetwork network, List<DataSet> epoch, String message) {
        String text = printed(() -> network.fit(new ListDataSetIterator<>(epoch, 1)));
        return text.split("WARN[^\n]*ProbeUpdater: " + message, -1).length - 1;
    }

    static String printed(Runnable action) {
        PrintStream original = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true));
        try {
            action.run();
        } finally {
            System.setErr(original);
        }
        return new String(printed.toByteArray(), StandardCharsets.UTF_8);
    }
}
