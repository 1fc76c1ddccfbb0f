package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

import java.util.List;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** What L4 promises of whole networks. */
class L4NetworkTest {

    private static final int CLASSES = 4;
    private static final int ITERATIONS = 30;

    private static MultiLayerNetwork network(L4Updater updater, double lossScale) {
        INDArray weights = Nd4j.valueArrayOf(new long[]{1, CLASSES}, lossScale, DataType.DOUBLE);
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(7)
                .dataType(DataType.DOUBLE).updater(updater).activation(Activation.TANH).list()
                .layer(new DenseLayer.Builder().nOut(16).build())
                .layer(new BatchNormalization())
                .layer(new DenseLayer.Builder().nOut(8).build())
                .layer(new BatchNormalization())
                .layer(new OutputLayer.Builder(new LossMCXENT(weights)).nOut(CLASSES).activation(Activation.SOFTMAX).build())
                .setInputType(InputType.feedForward(12)).build());
        network.init();
        network.addListeners(new StepSizeListener());
        return network;
    }

    private static DataSet batch(int number) {
        MultiDataSet batch = Problem.MLP_CLIPPED.batch(number, 16, DataType.DOUBLE);
        return new DataSet(batch.getFeatures(0), batch.getLabels(0));
    }

    private static L4Updater updater(L4Updater.Direction direction) {
        return L4Updater.builder().direction(direction).adamEpsilon(1e-30).epsilon(1e-30).build();
    }

    /**
     * The paper's section 2.3 for a scaled loss, where both epsilons do not matter. A shifted loss is another matter:
     * L - gamma L_min is invariant to it for gamma = 1 only, and the first L_min never is.
     */
    @ParameterizedTest
    @EnumSource(L4Updater.Direction.class)
    void aScaledLossTakesTheSameTrajectory(L4Updater.Direction direction) {
        MultiLayerNetwork one = network(updater(direction), 1);
        MultiLayerNetwork thousand = network(updater(direction), 1000);
        INDArray start = one.params().dup();
        for (int i = 0; i < ITERATIONS; i++) {
            one.fit(batch(i));
            thousand.fit(batch(i));
            assertEquals(1, thousand.score() / one.score() / 1000, 1e-9, "the loss is scaled");
            assertEquals(0, one.params().distance2(thousand.params()), 1e-6 * one.params().norm2Number().doubleValue());
        }
        assertTrue(one.params().distance2(start) > 0.1, "the networks have moved");
    }

    /** Five blocks, because running means and variances lie between the trained parameters. */
    @Test
    void theInnerProductIsOverAllBlocks() {
        MultiLayerNetwork network = network(updater(L4Updater.Direction.MOMENTUM), 1);
        INDArray before = network.params().dup();
        network.fit(batch(0));
        StepRecord record = StepSizes.lastRecord(network);
        // In the first iteration v = g, and the parameters moved by eta g.
        double moved = 0;
        MultiLayerNetwork start = network.clone();
        start.setParams(before);
        for (String name : network.paramTable().keySet()) {
            if (!List.of("mean", "var", "log10stdev").contains(name.substring(name.indexOf('_') + 1))) {
                double distance = network.getParam(name).distance2(start.getParam(name));
                assertTrue(distance > 0, name + " has moved");
                moved += distance * distance;
            }
        }
        double product = moved / (record.stepSize() * record.stepSize());
        L4Updater updater = new L4Updater();
        double gap = record.loss() * (1 - updater.getMinLossFactor() * updater.getInitFactor());
        assertEquals(updater.getFraction() * gap / product, record.stepSize(), 1e-9 * record.stepSize());
    }
}
