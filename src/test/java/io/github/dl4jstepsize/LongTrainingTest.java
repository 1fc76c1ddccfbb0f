package io.github.dl4jstepsize;

import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.evaluation.regression.RegressionEvaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.ops.transforms.Transforms;

import java.util.Collections;
import java.util.List;
import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * Auto where many epochs follow one another, on a sum of sixty sines of ten inputs with hardly any noise: its weight decay is for
 * what many passes over the same data teach, and must not undo what they do. See zoo-examples/experiments/33-long-trainings.txt.
 */
class LongTrainingTest {

    private static final int INPUTS = 10;
    private static final int BATCH = 32;
    private static final double NOISE = 0.05;
    private static final long TEST_SEED = 2;

    private final INDArray frequencies;
    private final INDArray amplitudes;

    LongTrainingTest() {
        Nd4j.getRandom().setSeed(1);
        frequencies = Nd4j.randn(INPUTS, 60).muli(0.7);
        amplitudes = Nd4j.randn(60, 1).muli(0.3);
    }

    private DataSet examples(int count, long seed) {
        Nd4j.getRandom().setSeed(seed);
        INDArray inputs = Nd4j.randn(count, INPUTS);
        return new DataSet(inputs,
                Transforms.sin(inputs.mmul(frequencies)).mmul(amplitudes).addi(Nd4j.randn(count, 1).muli(NOISE)));
    }

    private static MultiLayerNetwork network() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(new AutoUpdater())
                .activation(Activation.TANH).list()
                .layer(new DenseLayer.Builder().nOut(32).build())
                .layer(new DenseLayer.Builder().nOut(32).build())
                .layer(new OutputLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).nOut(1).build())
                .setInputType(InputType.feedForward(INPUTS)).build());
        network.init();
        network.addListeners(new StepSizeListener());
        return network;
    }

    private static void fit(MultiLayerNetwork network, DataSet examples, long seed) {
        List<DataSet> list = examples.asList();
        Collections.shuffle(list, new Random(seed));
        network.fit(new ListDataSetIterator<>(list, BATCH));
    }

    private double rSquared(MultiLayerNetwork network) {
        DataSet test = examples(2000, TEST_SEED);
        RegressionEvaluation evaluation = new RegressionEvaluation();
        evaluation.eval(test.getLabels(), network.output(test.getFeatures()));
        return evaluation.averageRSquared();
    }

    /** With the decay of few examples, R2 was 0.50 after twenty epochs and 0.15 after sixty. */
    @Test
    void moreEpochsDoNotUndoWhatWasLearned() {
        MultiLayerNetwork network = network();
        DataSet examples = examples(50 * BATCH, 3);
        for (int epoch = 0; epoch < 20; epoch++) {
            fit(network, examples, epoch);
        }
        double early = rSquared(network);
        for (int epoch = 20; epoch < 60; epoch++) {
            fit(network, examples, epoch);
        }
        double late = rSquared(network);
        assertTrue(early > 0.4 && late > early, early + ", then " + late);
    }

    /** Each call of fit has examples of its own: taken for passes over the same data, R2 was 0.2. */
    @Test
    void newExamplesInEachEpochAreNoRepetition() {
        MultiLayerNetwork network = network();
        for (int epoch = 0; epoch < 600; epoch++) {
            fit(network, examples(4 * BATCH, 100 + epoch), epoch);
        }
        double rSquared = rSquared(network);
        assertTrue(rSquared > 0.6, "" + rSquared);
    }
}
