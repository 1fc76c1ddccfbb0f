package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

import java.util.ArrayList;
import java.util.List;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The extra forward pass computes the very function that is trained on, and nobody notices that it ran. */
class ForwardPassTest {

    private static final double RATE = 0.05;

    @ParameterizedTest
    @EnumSource(Problem.class)
    void theLineStartsAtTheScore(Problem problem) {
        List<double[]> losses = new ArrayList<>();
        Model model = problem.network(new ProbeUpdater(batch -> {
            // A forward pass at parameters - 1 * 0: the current ones, computed anew.
            double again = batch.loss(1, batch.memory(0));
            losses.add(new double[]{batch.loss(), again, batch.loss(0, batch.direction())});
            return constant();
        }), DataType.FLOAT);
        model.addListeners(new StepSizeListener());
        problem.fit(model, 6);

        assertTrue(losses.size() >= 6);
        for (double[] loss : losses.subList(1, losses.size())) {
            assertEquals(loss[0], loss[1], 0.0, problem + ": evaluated against score");
            assertEquals(loss[0], loss[2], 0.0, problem + ": start of the line against score");
        }
        assertEquals(1, StepSizes.lastRecord(model).forwardPasses(), "the start of the line is free after a trial");
        assertEquals(losses.get(0)[1], losses.get(0)[2], 0.0, problem + ": first iteration");
    }

    @ParameterizedTest
    @EnumSource(Problem.class)
    void searchingLeavesNoTrace(Problem problem) {
        Model plain = problem.network(new Sgd(RATE), DataType.FLOAT);
        Nd4j.getRandom().setSeed(7);
        problem.fit(plain, 6);
        RandomState plainRandom = RandomState.now();

        Model searched = problem.network(new ProbeUpdater(batch -> {
            batch.loss(0.1, batch.direction());
            // Far out, where losses are NaN or infinite or at least huge.
            batch.loss(1e30, batch.direction());
            batch.loss(Double.NaN, batch.direction());
            batch.loss(0, batch.direction());
            return constant();
        }), DataType.FLOAT);
        searched.addListeners(new StepSizeListener());
        Nd4j.getRandom().setSeed(7);
        problem.fit(searched, 6);

        // All parameters, among them BatchNorm's running statistics, and dropout masks as the stream gave them.
        assertEquals(0.0, maxDifference(plain.params(), searched.params()), problem + ": parameters");
        assertEquals(plain.score(), searched.score(), 0.0, problem + ": score");
        assertTrue(plainRandom.isSameAs(RandomState.now()), problem + ": random stream");
        assertTrue(StepSizes.lastRecord(searched).forwardPasses() >= 3);
    }

    @ParameterizedTest
    @EnumSource(Problem.class)
    void aStatefulBaseIsDl4jsOwn(Problem problem) {
        Model plain = problem.network(new Adam(RATE), DataType.DOUBLE);
        Nd4j.getRandom().setSeed(7);
        problem.fit(plain, 4);

        Model searched = problem.network(new ProbeUpdater(batch -> {
            batch.loss(0.1, batch.direction());
            return constant();
        }, new Adam()), DataType.DOUBLE);
        searched.addListeners(new StepSizeListener());
        Nd4j.getRandom().setSeed(7);
        problem.fit(searched, 4);

        // Adam multiplies its learning rate in another place: equal but for rounding, which BatchNorm amplifies.
        assertEquals(0.0, maxDifference(plain.params(), searched.params()), 1e-9, problem + ": parameters");
    }

    @Test
    void weightNoiseInARecurrentOutputIsEvaluatedAnew() {
        List<double[]> losses = new ArrayList<>();
        NeuralNetConfiguration.ListBuilder layers = new NeuralNetConfiguration.Builder().seed(1)
                .updater(new ProbeUpdater(batch -> {
                    double again = batch.loss(1, batch.memory(0));
                    losses.add(new double[]{batch.loss(), again, batch.loss(0, batch.direction())});
                    return constant();
                })).list()
                .layer(new LSTM.Builder().nOut(6).build())
                .layer(new RnnOutputLayer.Builder().nOut(3).activation(Activation.SOFTMAX)
                        .weightNoise(new DropConnect(0.5)).build())
                .setInputType(InputType.recurrent(5, 7));
        MultiLayerNetwork network = new MultiLayerNetwork(layers.build());
        network.init();
        network.addListeners(new StepSizeListener());
        Problem.MASKED_LSTM.fit(network, 5);
        for (double[] loss : losses) {
            assertEquals(loss[1], loss[2], 0.0, "start of the line: the same random numbers as the trial");
            assertNotEquals(loss[0], loss[2], "DL4J's score has other weight noise");
        }
        assertEquals(2, StepSizes.lastRecord(network).forwardPasses());
    }

    @Test
    void randomNumbersDrawnBetweenIterationsAreNoticed() {
        List<double[]> losses = new ArrayList<>();
        Problem problem = Problem.MLP_DROPOUT_L2;
        Model model = problem.network(new ProbeUpdater(batch -> {
            double again = batch.loss(1, batch.memory(0));
            losses.add(new double[]{again, batch.loss(0, batch.direction())});
            return constant();
        }), DataType.FLOAT);
        model.addListeners(new StepSizeListener());
        for (int i = 0; i < 4; i++) {
            Nd4j.rand(3);
            Problem.fit(model, problem.batch(i, 8, DataType.FLOAT));
            assertEquals(2, StepSizes.lastRecord(model).forwardPasses());
        }
        for (double[] loss : losses) {
            assertEquals(loss[0], loss[1], 0.0);
        }
    }

    @Test
    void askedFirstTheStartIsTheScoreOnlyWithoutRandomness() {
        for (Problem problem : List.of(Problem.MLP_CLIPPED, Problem.MLP_DROPOUT_L2)) {
            List<Double> differences = new ArrayList<>();
            Model model = problem.network(new ProbeUpdater(batch -> {
                double start = batch.loss(0, batch.direction());
                differences.add(start - batch.loss(1, batch.memory(0)));
                return constant();
            }), DataType.FLOAT);
            model.addListeners(new StepSizeListener());
            problem.fit(model, 4);
            assertEquals(List.of(0.0, 0.0, 0.0, 0.0), differences);
            assertEquals(problem == Problem.MLP_CLIPPED ? 1 : 2, StepSizes.lastRecord(model).forwardPasses());
        }
    }

    @Test
    void keptBatchesAreEvaluatedAsTheyWere() {
        for (Problem problem : List.of(Problem.MLP_CLIPPED, Problem.MASKED_LSTM, Problem.TWO_INPUTS_TWO_OUTPUTS)) {
            List<io.github.dl4jstepsize.rule.Losses> kept = new ArrayList<>();
            List<Double> lossesThen = new ArrayList<>();
            Model model = problem.network(new ProbeUpdater(batch -> {
                for (int i = 0; i < kept.size(); i++) {
                    assertEquals(lossesThen.get(i), kept.get(i).loss(1, batch.memory(0)), problem.name());
                }
                kept.add(batch.keep());
                lossesThen.add(batch.loss(1, batch.memory(0)));
                assertEquals(batch.loss(), batch.loss(1, batch.memory(0)), "the current batch is back");
                return Step.searched(0, 0, Outcome.MEASURED);
            }), DataType.DOUBLE);
            withoutDropout(model);
            model.addListeners(new StepSizeListener());
            problem.fit(model, 4);
            assertEquals(4, kept.size());
        }
    }

    /** Its masks differ from batch to batch. */
    static void withoutDropout(Model model) {
        for (Layer layer : Problem.layersOf(model)) {
            layer.conf().getLayer().setIDropout(null);
        }
    }

    @Test
    void truncatedBackpropagationKeepsTheRecurrentState() {
        List<Boolean> same = new ArrayList<>();
        MultiLayerNetwork[] network = new MultiLayerNetwork[1];
        Model model = Problem.TRUNCATED_LSTM.network(new ProbeUpdater(batch -> {
            INDArray before = end(network[0]);
            batch.loss(0.5, batch.direction());
            same.add(before.equals(end(network[0])));
            return constant();
        }), DataType.FLOAT);
        network[0] = (MultiLayerNetwork) model;
        model.addListeners(new StepSizeListener());
        Problem.TRUNCATED_LSTM.fit(model, 2);
        assertEquals(6, same.size(), "two batches of three segments");
        assertFalse(same.contains(false));
    }

    private static INDArray end(MultiLayerNetwork network) {
        return ((org.deeplearning4j.nn.api.layers.RecurrentLayer) network.getLayer(0)).rnnGetTBPTTState()
                .values().iterator().next().dup();
    }

    private static Step constant() {
        return Step.searched(RATE, RATE, Outcome.REUSED);
    }

    static double maxDifference(INDArray a, INDArray b) {
        return a.sub(b).amaxNumber().doubleValue();
    }
}
