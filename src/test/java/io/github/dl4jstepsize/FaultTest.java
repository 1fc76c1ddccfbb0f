package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.util.CrashReportingUtil;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** An exception, wherever it comes from, leaves everything as it was, and training can go on. */
class FaultTest {

    private static final int BATCHES = 12;
    private static final int SIZE = 16;
    private static final int UNITS = 16;
    private static final int MANY_UNITS = 10_000;

    /** A loss in which something happens when it is asked for the n-th time. */
    static final class FailingLoss extends LossMCXENT {

        private static final long serialVersionUID = 1;
        /** Calls until it happens; below 0: never. */
        static int countdown = -1;
        static Runnable fault;

        @Override
        public double computeScore(INDArray labels, INDArray preOutput, IActivation activation, INDArray mask,
                                   boolean average) {
            if (countdown-- == 0) {
                fault.run();
            }
            return super.computeScore(labels, preOutput, activation, mask, average);
        }
    }

    @BeforeAll
    static void writeNoCrashDumps() {
        CrashReportingUtil.crashDumpsEnabled(false);
    }

    static Stream<StepSizeUpdater> updaters() {
        return Stream.of(new PalUpdater(),
                LabPalUpdater.builder().momentum(0.5).searchEvery(2).approximationBatches(2).build(),
                LabPalUpdater.published().searchEvery(2).approximationBatches(2).batchSchedule(Map.of(0, 2)).build(),
                new SlsUpdater(), SlsUpdater.builder().base(new Adam()).build(),
                SlsUpdater.builder().base(new Nesterovs()).condition(SlsUpdater.Condition.GOLDSTEIN).build(),
                new SalsaUpdater(), SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build(),
                AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.LOSS)
                        .searchBatch(AccuracySlsUpdater.SearchBatch.ANOTHER).build(), new PlsUpdater());
    }

    /** Those, and such as look at trials in the first iteration. */
    static Stream<StepSizeUpdater> updatersWithTrials() {
        return Stream.concat(updaters(), Stream.of(new AutoUpdater(), new ScheduleFreeUpdater()));
    }

    static Stream<StepSizeUpdater> updatersWithABase() {
        return Stream.of(SlsUpdater.builder().base(new Adam()).build(), SlsUpdater.builder().base(new Nesterovs()).build());
    }

    @ParameterizedTest
    @MethodSource("updatersWithTrials")
    void anExceptionInATrialLeavesNoTrace(StepSizeUpdater updater) {
        anExceptionInATrialLeavesNoTrace(updater, UNITS);
    }

    /** A base updater's state is copied piece by piece: here there are two. */
    @ParameterizedTest
    @MethodSource("updatersWithABase")
    void anExceptionInATrialLeavesNoTraceInALargeNetwork(StepSizeUpdater updater) {
        MultiLayerNetwork network = network(updater, MANY_UNITS);
        assertTrue(network.numParams() > BlockVector.PIECE);
        anExceptionInATrialLeavesNoTrace(updater, MANY_UNITS);
    }

    /** DL4J runs the updaters of other layers before the search. */
    @ParameterizedTest
    @MethodSource("updatersWithTrials")
    void anExceptionInATrialLeavesNoTraceInOtherUpdaters(StepSizeUpdater updater) {
        anExceptionInATrialLeavesNoTrace(updater, () -> network(updater, UNITS, new Adam()));
    }

    private static void anExceptionInATrialLeavesNoTrace(StepSizeUpdater updater, int units) {
        anExceptionInATrialLeavesNoTrace(updater, () -> network(updater, units));
    }

    private static void anExceptionInATrialLeavesNoTrace(StepSizeUpdater updater, Supplier<MultiLayerNetwork> build) {
        for (Error failure : new Error[]{new AssertionError("a fault"), new OutOfMemoryError("a fault")}) {
            int faults = 0;
            MultiLayerNetwork network = build.get();
            MultiLayerNetwork undisturbed = build.get();
            for (int i = 0; i < BATCHES; i++) {
                RandomState start = RandomState.now();
                fit(undisturbed, i);
                int passes = passes(undisturbed);
                RandomState end = RandomState.now();
                if (passes > 0) {
                    faults++;
                    start.restore();
                    failIn(network, i, failure, passes);
                    assertTrue(RandomState.now().isSameAs(end), "the random stream is where a training pass leaves it");
                }
                start.restore();
                failIn(network, i, failure, 0);
                start.restore();
                fit(network, i);
                assertEquals(0.0, ForwardPassTest.maxDifference(undisturbed.params(), network.params()),
                        updater + ", batch " + i);
            }
            assertTrue(faults > (updater.newRule().looksAhead() ? 3 : 0));
        }
    }

    /** The training pass (number 0) asks for one score, then the search for as many as it makes passes. */
    private static void failIn(MultiLayerNetwork network, int batch, Error failure, int pass) {
        FailingLoss.fault = () -> {
            throw failure;
        };
        FailingLoss.countdown = pass;
        assertEquals(failure, leavesNoTrace(network, batch));
    }

    /** Trains on a batch, which has to fail. */
    private static Throwable leavesNoTrace(MultiLayerNetwork network, int batch) {
        INDArray parameters = network.params().dup();
        INDArray state = network.updaterState().dup();
        int iterations = network.getIterationCount();
        Throwable thrown = assertThrows(Throwable.class, () -> fit(network, batch));
        assertEquals(0.0, ForwardPassTest.maxDifference(parameters, network.params()));
        assertEquals(0.0, ForwardPassTest.maxDifference(state, network.updaterState()));
        assertEquals(iterations, network.getIterationCount());
        return thrown;
    }

    private static int passes(MultiLayerNetwork network) {
        StepRecord record = StepSizes.lastRecord(network);
        return record.forwardPasses() + record.gradientPasses();
    }

    private static void fit(MultiLayerNetwork network, int batch) {
        Problem.fit(network, Problem.MLP_DROPOUT_L2.batch(batch, SIZE, DataType.FLOAT));
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void aThreadInterruptedInATrialCompletesTheIteration(StepSizeUpdater updater) {
        MultiLayerNetwork network = network(updater);
        MultiLayerNetwork undisturbed = network(updater);
        int interruptions = 0;
        for (int i = 0; i < BATCHES; i++) {
            RandomState start = RandomState.now();
            fit(undisturbed, i);
            start.restore();
            FailingLoss.fault = Thread.currentThread()::interrupt;
            FailingLoss.countdown = passes(undisturbed) > 0 ? 1 : -1;
            fit(network, i);
            boolean interrupted = Thread.interrupted();
            assertEquals(passes(undisturbed) > 0, interrupted, "whoever trains has to know");
            interruptions += interrupted ? 1 : 0;
            assertEquals(0.0, ForwardPassTest.maxDifference(undisturbed.params(), network.params()),
                        updater + ", batch " + i);
        }
        assertTrue(interruptions > 3);
    }

    /** In every phase of an iteration before the step is taken, and whether it is called before or after ours. */
    @ParameterizedTest
    @MethodSource("updatersWithTrials")
    void anExceptionInAnotherListenerLeavesNoTrace(StepSizeUpdater updater) {
        for (boolean first : new boolean[]{true, false}) {
            FailingListener failing = new FailingListener();
            MultiLayerNetwork network = network(updater);
            network.setListeners(first ? List.of(failing, new StepSizeListener())
                    : List.of(new StepSizeListener(), failing));
            MultiLayerNetwork undisturbed = network(updater);
            for (int i = 0; i < BATCHES; i++) {
                RandomState start = RandomState.now();
                fit(undisturbed, i);
                for (FailingListener.Phase phase : FailingListener.Phase.values()) {
                    start.restore();
                    failing.next = phase;
                    assertEquals(phase.toString(), leavesNoTrace(network, i).getMessage());
                }
                start.restore();
                failing.next = null;
                fit(network, i);
                assertEquals(0.0, ForwardPassTest.maxDifference(undisturbed.params(), network.params()),
                        updater + ", batch " + i);
            }
        }
    }

    private static final class FailingListener extends BaseTrainingListener {

        private enum Phase {FORWARD, BACKWARD, GRADIENT}

        private Phase next;

        private void fail(Phase phase) {
            if (phase == next) {
                throw new IllegalStateException(phase.toString());
            }
        }

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            fail(Phase.FORWARD);
        }

        @Override
        public void onBackwardPass(Model model) {
            fail(Phase.BACKWARD);
        }

        @Override
        public void onGradientCalculation(Model model) {
            fail(Phase.GRADIENT);
        }
    }

    /** DL4J calls it when the step has been taken: the iteration counts, and the next one is as it would have been. */
    @ParameterizedTest
    @MethodSource("updaters")
    void anExceptionInAConsumerOfRecordsLosesNothing(StepSizeUpdater updater) {
        INDArray[] parameters = new INDArray[2];
        for (int run = 0; run < 2; run++) {
            boolean fails = run == 1;
            int[] exceptions = new int[1];
            MultiLayerNetwork network = network(updater);
            Nd4j.getRandom().setSeed(9);
            network.setListeners(new StepSizeListener().onStep(record -> {
                if (fails) {
                    exceptions[0]++;
                    throw new IllegalStateException("a consumer's");
                }
            }));
            for (int i = 0; i < BATCHES; i++) {
                int batch = i;
                if (fails) {
                    assertEquals("a consumer's",
                            assertThrows(IllegalStateException.class, () -> fit(network, batch)).getMessage());
                } else {
                    fit(network, i);
                }
            }
            assertEquals(fails ? BATCHES : 0, exceptions[0]);
            parameters[run] = network.params();
        }
        assertEquals(0.0, ForwardPassTest.maxDifference(parameters[0], parameters[1]));
    }

    private static MultiLayerNetwork network(StepSizeUpdater updater) {
        return network(updater, UNITS);
    }

    private static MultiLayerNetwork network(StepSizeUpdater updater, int units) {
        return network(updater, units, updater);
    }

    private static MultiLayerNetwork network(StepSizeUpdater updater, int units, IUpdater ofTheOutput) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(5).updater(updater).list()
                .layer(new DenseLayer.Builder().nOut(units).activation(Activation.RELU).dropOut(0.7).build())
                .layer(new OutputLayer.Builder(new FailingLoss()).nOut(4).activation(Activation.SOFTMAX)
                        .updater(ofTheOutput).build())
                .setInputType(InputType.feedForward(12)).build());
        network.init();
        network.addListeners(new StepSizeListener());
        return network;
    }
}
