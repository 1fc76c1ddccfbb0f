package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.learning.config.Adam;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * Bad data, bad weights and nothing left to learn: no method throws where Adam does not, and no parameter becomes NaN or
 * infinite, whatever it sees. What happens to a batch that is not finite as a whole is in {@link GuardTest}.
 */
class DataFaultTest {

    private static final int CLASSES = 4;
    /** LABPAL's first search, and updates after it. */
    private static final int ITERATIONS = 14;

    static Stream<StepSizeUpdater> updaters() {
        return Stream.of(new PalUpdater(), new LabPalUpdater(),
                LabPalUpdater.builder().approximationBatches(2).momentum(0.5).batchSchedule(Map.of(0, 2)).build(),
                new SlsUpdater(), SlsUpdater.builder().base(new Adam()).build(),
                SlsUpdater.builder().condition(SlsUpdater.Condition.GOLDSTEIN).build(),
                new AccuracySlsUpdater(), AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.ACCURACY)
                        .searchBatch(AccuracySlsUpdater.SearchBatch.ANOTHER).build(),
                AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.LOSS).normalized(true).build(),
                new SalsaUpdater(), SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build(),
                new L4Updater(), L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build(),
                new GolsUpdater(), new PlsUpdater());
    }

    /** What is done to a batch. */
    private enum Fault {
        FEATURE_NAN(batch -> put(batch, batch.getFeatures(0), Float.NaN)),
        FEATURE_INFINITE(batch -> put(batch, batch.getFeatures(0), Float.POSITIVE_INFINITY)),
        FEATURE_HUGE(batch -> put(batch, batch.getFeatures(0), 1e30f)),
        LABEL_NAN(batch -> put(batch, batch.getLabels(0), Float.NaN)),
        LABEL_INFINITE(batch -> put(batch, batch.getLabels(0), Float.POSITIVE_INFINITY)),
        /** Loss 0, but by DL4J's formula a gradient that is not. */
        LABELS_ZERO(batch -> {
            batch.getLabels(0).assign(0);
            return batch;
        }),
        SINGLE_EXAMPLE(batch -> new MultiDataSet(
                batch.getFeatures(0).slice(0).reshape(withRows(1, batch.getFeatures(0))).dup(),
                batch.getLabels(0).slice(0).reshape(1, CLASSES).dup())),
        EMPTY(batch -> new MultiDataSet(Nd4j.create(DataType.FLOAT, withRows(0, batch.getFeatures(0))),
                Nd4j.create(DataType.FLOAT, 0, CLASSES)));

        private final UnaryOperator<MultiDataSet> damage;

        Fault(UnaryOperator<MultiDataSet> damage) {
            this.damage = damage;
        }

        /** A single value. */
        private static MultiDataSet put(MultiDataSet batch, INDArray array, float value) {
            array.putScalar(array.length() / 2, value);
            return batch;
        }

        private static long[] withRows(long rows, INDArray array) {
            long[] shape = array.shape().clone();
            shape[0] = rows;
            return shape;
        }

        /** Whether Adam throws an exception on such a batch. */
        private boolean isTooMuchForAdam(Problem problem) {
            Model adam = problem.network(new Adam(0.01), DataType.FLOAT);
            problem.fit(adam, 2);
            try {
                Problem.fit(adam, damaged(problem, 2));
                return false;
            } catch (RuntimeException e) {
                return true;
            }
        }

        private MultiDataSet damaged(Problem problem, int number) {
            return damage.apply(problem.batch(number, 8, DataType.FLOAT));
        }
    }

    private static List<Problem> problems() {
        return List.of(Problem.MLP_DROPOUT_L2, Problem.RESIDUAL_GRAPH);
    }

    @Test
    void emptyBatchesAreTooMuchForAdamAndNothingElse() {
        for (Problem problem : problems()) {
            assertEquals(List.of(Fault.EMPTY), Stream.of(Fault.values()).filter(fault -> fault.isTooMuchForAdam(problem))
                    .collect(Collectors.toList()));
        }
    }

    /** Good batches and bad ones by turns. */
    @ParameterizedTest
    @MethodSource("updaters")
    void damagedBatchesDoNoHarm(StepSizeUpdater updater) {
        for (Problem problem : problems()) {
            Model model = problem.network(updater, DataType.FLOAT);
            model.addListeners(new StepSizeListener());
            int number = 0;
            for (Fault fault : Fault.values()) {
                String where = updater + " on " + problem + ", " + fault;
                Problem.fit(model, problem.batch(number++, 8, DataType.FLOAT));
                MultiDataSet damaged = fault.damaged(problem, number++);
                if (fault == Fault.EMPTY) {
                    INDArray before = model.params().dup();
                    assertThrows(RuntimeException.class, () -> Problem.fit(model, damaged), where);
                    assertEquals(0.0, ForwardPassTest.maxDifference(before, model.params()), where);
                } else {
                    assertDoesNotThrow(() -> Problem.fit(model, damaged), where);
                }
                assertEquals(0, notFinite(model), where);
                Problem.fit(model, problem.batch(number++, 8, DataType.FLOAT));
                assertEquals(0, notFinite(model), where);
                assertTrue(Double.isFinite(StepSizes.lastRecord(model).loss()), where);
            }
        }
    }

    private static int notFinite(Model model) {
        return model.params().cond(Conditions.notFinite()).castTo(DataType.INT).sumNumber().intValue();
    }

    /** A weight that is not finite stays the only one. After ten such iterations the guard says so. */
    @ParameterizedTest
    @MethodSource("updaters")
    void aWeightThatIsNotFiniteDoesNotSpread(StepSizeUpdater updater) {
        for (Problem problem : problems()) {
            for (float value : new float[]{Float.NaN, Float.POSITIVE_INFINITY}) {
                Model model = problem.network(updater, DataType.FLOAT);
                model.addListeners(new StepSizeListener());
                problem.fit(model, 3);
                model.params().putScalar(5, value);
                int iterations = 0;
                try {
                    while (iterations < ITERATIONS) {
                        Problem.fit(model, problem.batch(iterations++, 8, DataType.FLOAT));
                        assertEquals(1, notFinite(model), updater + " " + problem + " " + value + " " + iterations);
                    }
                } catch (IllegalStateException guard) {
                    assertTrue(iterations >= 10 && guard.getMessage().contains("10 times in a row"), guard.getMessage());
                }
                assertEquals(1, notFinite(model));
            }
        }
    }

    /** An MLP whose output does not depend on the data: weights of the output are 0, its first bias is given. */
    private static MultiLayerNetwork constant(StepSizeUpdater updater, double bias) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater).list()
                .layer(new DenseLayer.Builder().nOut(6).activation(Activation.TANH).build())
                .layer(Problem.classes(CLASSES).build())
                .setInputType(InputType.feedForward(3)).build());
        network.init();
        network.getOutputLayer().params().assign(0);
        network.getOutputLayer().getParam("b").putScalar(0, bias);
        return network;
    }

    private static void staysWhereItIs(MultiLayerNetwork layers, MultiDataSet batch, double loss) {
        for (Model model : List.of(layers, layers.toComputationGraph())) {
            model.addListeners(new StepSizeListener());
            INDArray before = model.params().dup();
            for (int i = 0; i < ITERATIONS; i++) {
                Problem.fit(model, batch);
                assertEquals(loss, StepSizes.lastRecord(model).loss(), 1e-6);
                assertTrue(Double.isFinite(StepSizes.lastRecord(model).learningRate()),
                        StepSizes.lastRecord(model).toString());
            }
            assertEquals(0.0, ForwardPassTest.maxDifference(before, model.params()));
        }
    }

    /** A network that is certain, and right: loss and gradient are exactly 0. */
    @ParameterizedTest
    @MethodSource("updaters")
    void whereTheLossIsZeroTheParametersStay(StepSizeUpdater updater) {
        INDArray labels = Nd4j.zeros(DataType.FLOAT, 8, CLASSES);
        labels.getColumn(0).assign(1);
        staysWhereItIs(constant(updater, 1000), new MultiDataSet(Problem.random(1, DataType.FLOAT, 8, 3), labels), 0);
    }

    /** Inputs of 0 and every class equally often: the loss is log 4, the gradient exactly 0. */
    @ParameterizedTest
    @MethodSource("updaters")
    void whereTheGradientIsZeroTheParametersStay(StepSizeUpdater updater) {
        INDArray labels = Nd4j.eye(CLASSES).castTo(DataType.FLOAT);
        staysWhereItIs(constant(updater, 0), new MultiDataSet(Nd4j.zeros(DataType.FLOAT, CLASSES, 3), labels),
                Math.log(CLASSES));
    }

    /** One batch, learnt by heart, until rounding errors are all that is left. */
    @ParameterizedTest
    @MethodSource("updaters")
    void aNetworkThatHasLearntEverythingGoesOn(StepSizeUpdater updater) {
        int iterations = 80;
        INDArray features = Nd4j.eye(CLASSES).castTo(DataType.FLOAT);
        MultiLayerNetwork layers = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater).list()
                .layer(new DenseLayer.Builder().nOut(8).activation(Activation.TANH).build())
                .layer(Problem.classes(CLASSES).build())
                .setInputType(InputType.feedForward(CLASSES)).build());
        layers.init();
        layers.addListeners(new StepSizeListener());
        for (int i = 0; i < iterations; i++) {
            Problem.fit(layers, new MultiDataSet(features, features.dup()));
            assertEquals(0, notFinite(layers), StepSizes.lastRecord(layers).toString());
        }
    }
}
