package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Whether the epochs are over the same data. */
class RepetitionTest {

    private static final int BATCHES = 5;

    /** Epochs with the given examples, in batches of two; saved and restored after each batch. */
    private static boolean isFound(double[]... epochs) {
        Repetition repetition = new Repetition();
        for (double[] epoch : epochs) {
            repetition.epochBegins();
            for (int i = 0; i < epoch.length; i += 2) {
                if (repetition.isLooking()) {
                    repetition.look(Arrays.copyOfRange(epoch, i, Math.min(i + 2, epoch.length)));
                }
                List<Double> saved = new ArrayList<>();
                repetition.state(value -> {
                    saved.add(value);
                    return value;
                });
                repetition = new Repetition();
                Iterator<Double> restored = saved.iterator();
                repetition.state(value -> restored.next());
            }
        }
        return repetition.isFound();
    }

    /** Numbers from one to another, in any order. */
    private static double[] shuffled(int from, int to) {
        List<Double> numbers = IntStream.range(from, to).asDoubleStream().boxed().collect(Collectors.toList());
        Collections.shuffle(numbers, new Random(to));
        return numbers.stream().mapToDouble(Double::doubleValue).toArray();
    }

    @Test
    void halfOfTheFirstExamplesIsEnough() {
        double[] first = IntStream.rangeClosed(1, 40).asDoubleStream().toArray();
        assertFalse(isFound(first));
        assertTrue(isFound(first, shuffled(1, 41)));
        assertTrue(isFound(first, shuffled(9, 60)), "half of the first sixteen, and others");
        assertFalse(isFound(first, shuffled(10, 60)));
        assertFalse(isFound(first, shuffled(1, 8), shuffled(8, 15)), "never as many in one epoch");
        assertFalse(isFound(first, Arrays.stream(first).map(x -> x * 1.00001).toArray()));
        assertTrue(isFound(new double[]{1, 2, 3}, new double[]{2, 3}), "fewer");
    }

    @Test
    void dataSetsMayComeInTurns() {
        double[] first = shuffled(1, 30);
        double[] other = shuffled(30, 60);
        assertTrue(isFound(first, other, other, other, first));
        assertFalse(isFound(first, other, other, other, other, first), "not looked for any more");
    }

    @Test
    void otherDataAreRememberedAnew() {
        Repetition repetition = new Repetition();
        repetition.epochBegins();
        repetition.look(new double[]{1, 2});
        repetition.epochBegins();
        repetition.look(new double[]{2, 1});
        assertTrue(repetition.isFound());
        repetition.forget();
        assertFalse(repetition.isFound() || repetition.isLooking());
        repetition.epochBegins();
        repetition.look(new double[]{3, 4});
        assertFalse(repetition.isFound());
        repetition.epochBegins();
        repetition.look(new double[]{1, 2});
        assertFalse(repetition.isFound());
        repetition.look(new double[]{4});
        assertTrue(repetition.isFound());
    }

    private static List<DataSet> batches(int from) {
        return batches(from, new Random(from));
    }

    private static List<DataSet> shuffled(int from) {
        return batches(from, new Random(from + 1));
    }

    private static List<DataSet> batches(int from, Random random) {
        List<DataSet> examples = new ArrayList<>();
        for (int i = 0; i < BATCHES; i++) {
            MultiDataSet batch = Problem.MLP_CLIPPED.batch(from + i, 8, DataType.FLOAT);
            examples.addAll(new DataSet(batch.getFeatures(0), batch.getLabels(0)).asList());
        }
        Collections.shuffle(examples, random);
        List<DataSet> batches = new ArrayList<>();
        for (int i = 0; i < BATCHES; i++) {
            batches.add(DataSet.merge(examples.subList(8 * i, 8 * i + 8)));
        }
        return batches;
    }

    /** @param heard takes what the rule hears in each iteration */
    private static Model network(Problem problem, List<Boolean> heard) {
        Model network = problem.network(new ProbeUpdater(batch -> {
            heard.add(batch.repeatsData());
            return Step.chosen(0.05, 0.05, Outcome.REUSED);
        }), DataType.FLOAT);
        network.addListeners(new StepSizeListener());
        return network;
    }

    /** What the rule heard in each iteration of some epochs. */
    private static List<Boolean> heard(boolean withIterator, List<List<DataSet>> epochs) {
        List<Boolean> heard = new ArrayList<>();
        MultiLayerNetwork network = (MultiLayerNetwork) network(Problem.MLP_CLIPPED, heard);
        for (List<DataSet> epoch : epochs) {
            if (withIterator) {
                network.fit(new ExistingDataSetIterator(epoch));
            } else {
                epoch.forEach(network::fit);
                network.incrementEpochCount();
            }
        }
        return heard;
    }

    @Test
    void shuffledDataAreTheSame() {
        for (boolean withIterator : new boolean[]{true, false}) {
            List<Boolean> heard = heard(withIterator, List.of(batches(0), shuffled(0), batches(0)));
            assertFalse(heard.subList(0, BATCHES).contains(true));
            assertTrue(heard.get(2 * BATCHES - 1));
            assertFalse(heard.subList(2 * BATCHES, 3 * BATCHES).contains(false));
        }
    }

    @Test
    void dataOfTheSameKindAreNot() {
        assertFalse(heard(true, List.of(batches(0), batches(BATCHES), batches(2 * BATCHES))).contains(true));
    }

    /** All of the same size, as one-hot inputs are. */
    @Test
    void newDataOfOnesAreNot() {
        Random random = new Random(1);
        List<List<DataSet>> epochs = new ArrayList<>();
        for (int epoch = 0; epoch < 4; epoch++) {
            List<DataSet> batches = batches(epoch);
            for (DataSet batch : batches) {
                for (int input = 0; input < batch.getFeatures().length(); input++) {
                    batch.getFeatures().putScalar(input, random.nextBoolean() ? 1 : -1);
                }
            }
            epochs.add(batches);
        }
        assertFalse(heard(true, epochs).contains(true));
    }

    /** Of every kind of input: images, sequences with masks, several inputs. */
    @ParameterizedTest
    @EnumSource(Problem.class)
    void everyProblemsExamplesAreRecognized(Problem problem) {
        List<Boolean> heard = new ArrayList<>();
        Model network = network(problem, heard);
        for (int epoch = 0; epoch < 2; epoch++) {
            assertFalse(heard.contains(true));
            problem.fit(network, BATCHES);
            Problem.endEpoch(network);
        }
        assertTrue(heard.get(heard.size() - 1));
    }
}
