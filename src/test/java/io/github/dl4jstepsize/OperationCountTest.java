package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner.ProfilingMode;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.profiler.OpProfiler;
import org.nd4j.linalg.profiler.ProfilerConfig;

import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * What would hurt on a GPU: how many operations an iteration without a search launches beyond the base updater's,
 * whatever the number of layers. Each of ours works on a whole block of parameters; DL4J begins new blocks at every
 * BatchNormalization, with which the number does grow. ND4J's hook does not see inner products: one more per block for
 * the guard, and one for L4 and for LABPAL&NSGD, each of which reads a number from the device. (In its warm-up Auto has two
 * more, and one more operation; until examples come again it and FAN
 * look at the inputs.)
 */
class OperationCountTest {

    /** Iterations, of two epochs, after which LABPAL has measured twice, POL measures rarely and Auto's warm-up is over. */
    private static final int WARM_UP = 55;

    private ProfilingMode before;

    @BeforeEach
    void count() {
        before = Nd4j.getExecutioner().getProfilingMode();
        Nd4j.getExecutioner().setProfilingMode(ProfilingMode.ALL);
        OpProfiler.getInstance().setConfig(ProfilerConfig.builder().checkElapsedTime(true).build());
    }

    @AfterEach
    void doNotCount() {
        OpProfiler.getInstance().setConfig(ProfilerConfig.builder().build());
        Nd4j.getExecutioner().setProfilingMode(before);
    }

    private static MultiLayerNetwork trained(IUpdater updater, int layers) {
        NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder().seed(1).updater(updater).list();
        for (int i = 0; i < layers; i++) {
            list.layer(new DenseLayer.Builder().nOut(8).build());
        }
        MultiLayerNetwork network = new MultiLayerNetwork(
                list.layer(Problem.classes(4).build()).setInputType(InputType.feedForward(12)).build());
        network.init();
        network.setListeners(new StepSizeListener());
        for (int i = 0; i < WARM_UP; i++) {
            if (i == WARM_UP / 4 || i == WARM_UP / 2) {
                network.incrementEpochCount();
            }
            fit(network);
        }
        return network;
    }

    private static DataSet batch() {
        MultiDataSet batch = Problem.MLP_CLIPPED.batch(1, 8, DataType.FLOAT);
        return new DataSet(batch.getFeatures(0), batch.getLabels(0));
    }

    private static void fit(MultiLayerNetwork network) {
        DataSet batch = batch();
        network.fit(batch.getFeatures(), batch.getLabels());
    }

    private static long operations(Runnable work) {
        OpProfiler.getInstance().reset();
        work.run();
        return OpProfiler.getInstance().getInvocationsCount();
    }

    private static long operationsWithoutSearch(IUpdater updater, int layers) {
        MultiLayerNetwork network = trained(updater, layers);
        long operations = operations(() -> fit(network));
        StepRecord record = StepSizes.lastRecord(network);
        assertTrue(record == null || !record.searched(), "no search is under way");
        return operations;
    }

    static Stream<Arguments> methods() {
        return Stream.of(
                Arguments.of(new L4Updater(), new Adam()),
                Arguments.of(L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build(), new Nesterovs()),
                Arguments.of(LabPalUpdater.builder().untrustedUpdates(0).build(), new Sgd()),
                Arguments.of(LabPalUpdater.builder().untrustedUpdates(0).mode(LabPalUpdater.Mode.SGD).build(), new Sgd()),
                Arguments.of(new FanUpdater(), new Adam()),
                Arguments.of(new AutoUpdater(), new Adam()),
                Arguments.of(PolUpdater.builder().warmUp(3).build(), new Adam()));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void atMostTwoMoreThanTheBase(StepSizeUpdater updater, IUpdater base) {
        for (int layers : new int[]{1, 4}) {
            long ofBase = operationsWithoutSearch(base, layers);
            long ofOurs = operationsWithoutSearch(updater, layers);
            assertTrue(ofBase > 10, "operations are counted: " + ofBase);
            assertTrue(ofOurs - ofBase <= 2, updater + " with " + layers + " layers: " + ofOurs + ", " + base + ": " + ofBase);
        }
    }

    static Stream<Arguments> searches() {
        return Stream.of(
                Arguments.of(new PalUpdater(), new Sgd()),
                Arguments.of(new SlsUpdater(), new Sgd()),
                Arguments.of(SlsUpdater.builder().base(new Adam()).build(), new Adam()));
    }

    /** A trial is DL4J's forward pass with its loss, and what moves and restores the parameters. */
    @ParameterizedTest
    @MethodSource("searches")
    void atMostSixPerTrialBesideTheForwardPass(StepSizeUpdater updater, IUpdater base) {
        for (int layers : new int[]{1, 4}) {
            MultiLayerNetwork plain = trained(base, layers);
            long ofForward = operations(() -> plain.score(batch(), true));
            long ofBase = operations(() -> fit(plain));
            MultiLayerNetwork network = trained(updater, layers);
            long ofOurs = operations(() -> fit(network));
            int trials = StepSizes.lastRecord(network).forwardPasses();
            assertTrue(trials >= 1 && ofForward > 3 * layers, trials + " trials, forward pass: " + ofForward);
            assertTrue(ofOurs - ofBase <= trials * (ofForward + 6), updater + " with " + layers + " layers: " + ofOurs + ", "
                    + base + ": " + ofBase + ", a forward pass: " + ofForward + ", trials: " + trials);
        }
    }
}
