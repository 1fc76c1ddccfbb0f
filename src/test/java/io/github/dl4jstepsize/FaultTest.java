package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.CrashReportingUtil;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

import java.util.Map;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** An exception in a trial leaves everything as it was, and training can go on. */
class FaultTest {

    /** A loss that throws when it is asked for the n-th time. */
    static final class FailingLoss extends LossMCXENT {

        private static final long serialVersionUID = 1;
        /** Calls until it throws; below 0: never. */
        static int countdown = -1;
        static Error failure;

        @Override
        public double computeScore(INDArray labels, INDArray preOutput, IActivation activation, INDArray mask,
                                   boolean average) {
            if (countdown-- == 0) {
                throw failure;
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
                        .searchBatch(AccuracySlsUpdater.SearchBatch.ANOTHER).build());
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void anExceptionInATrialLeavesNoTrace(StepSizeUpdater updater) {
        for (Error failure : new Error[]{new AssertionError("a fault"), new OutOfMemoryError("a fault")}) {
            int faults = 0;
            MultiLayerNetwork network = network(updater);
            MultiLayerNetwork undisturbed = network(updater);
            for (int i = 0; i < 12; i++) {
                FailingLoss.countdown = -1;
                RandomState start = RandomState.now();
                Problem.fit(undisturbed, Problem.MLP_DROPOUT_L2.batch(i, 8, DataType.FLOAT));
                boolean searched = StepSizes.lastRecord(undisturbed).forwardPasses() > 0;
                RandomState end = RandomState.now();
                if (searched) {
                    faults++;
                    start.restore();
                    failIn(network, i, failure, StepSizes.lastRecord(undisturbed).forwardPasses());
                    assertTrue(RandomState.now().isSameAs(end), "the random stream is where a training pass leaves it");
                }
                start.restore();
                Problem.fit(network, Problem.MLP_DROPOUT_L2.batch(i, 8, DataType.FLOAT));
                assertEquals(0.0, ForwardPassTest.maxDifference(undisturbed.params(), network.params()),
                        updater + ", batch " + i);
            }
            assertTrue(faults > 3);
        }
    }

    /** The training pass asks for one score, then the search for up to {@code passes}; the last one fails. */
    private static void failIn(MultiLayerNetwork network, int batch, Error failure, int passes) {
        INDArray parameters = network.params().dup();
        INDArray state = network.updaterState().dup();
        int iterations = network.getIterationCount();
        FailingLoss.countdown = passes;
        FailingLoss.failure = failure;
        Error thrown = assertThrows(Error.class,
                () -> Problem.fit(network, Problem.MLP_DROPOUT_L2.batch(batch, 8, DataType.FLOAT)));
        assertEquals(failure, thrown);
        FailingLoss.countdown = -1;
        assertEquals(0.0, ForwardPassTest.maxDifference(parameters, network.params()));
        assertEquals(0.0, ForwardPassTest.maxDifference(state, network.updaterState()));
        assertEquals(iterations, network.getIterationCount());
    }

    private static MultiLayerNetwork network(StepSizeUpdater updater) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(5).updater(updater).list()
                .layer(new DenseLayer.Builder().nOut(16).activation(Activation.RELU).dropOut(0.7).build())
                .layer(new OutputLayer.Builder(new FailingLoss()).nOut(4).activation(Activation.SOFTMAX).build())
                .setInputType(InputType.feedForward(12)).build());
        network.init();
        network.addListeners(new StepSizeListener());
        return network;
    }
}
