package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Whether the epochs are over the same data. */
class RepetitionTest {

    private static final int BATCHES = 5;

    private static boolean isFound(double... sumsOfEpochs) {
        Repetition repetition = new Repetition();
        for (double sum : sumsOfEpochs) {
            repetition.epochBegins();
            assertFalse(repetition.isFound(), "not before the second epoch is over");
            repetition.add(sum / 2);
            List<Double> saved = new ArrayList<>();
            repetition.state(value -> {
                saved.add(value);
                return value;
            });
            repetition = new Repetition();
            Iterator<Double> restored = saved.iterator();
            repetition.state(value -> restored.next());
            repetition.add(sum / 2);
        }
        repetition.epochBegins();
        assertFalse(repetition.isMeasuring());
        return repetition.isFound();
    }

    @Test
    void sumsThatAgreeButForRoundingsAreOfTheSameData() {
        assertTrue(isFound(1000, 1000.05));
        assertFalse(isFound(1000, 1000.2));
        assertFalse(isFound(1000, 999.8));
        assertFalse(isFound(1000, Double.NaN));
    }

    @Test
    void otherDataAreComparedAnew() {
        Repetition repetition = new Repetition();
        for (int epoch = 0; epoch < 2; epoch++) {
            repetition.epochBegins();
            repetition.add(1);
        }
        repetition.epochBegins();
        assertTrue(repetition.isFound());
        repetition.forget();
        assertFalse(repetition.isFound() || repetition.isMeasuring());
        for (int epoch = 0; epoch < 2; epoch++) {
            repetition.epochBegins();
            repetition.add(2);
        }
        repetition.epochBegins();
        assertTrue(repetition.isFound());
    }

    private static List<DataSet> batches(int from) {
        List<DataSet> examples = new ArrayList<>();
        for (int i = 0; i < BATCHES; i++) {
            MultiDataSet batch = Problem.MLP_CLIPPED.batch(from + i, 8, DataType.FLOAT);
            examples.addAll(new DataSet(batch.getFeatures(0), batch.getLabels(0)).asList());
        }
        Collections.shuffle(examples, new Random(from));
        List<DataSet> batches = new ArrayList<>();
        for (int i = 0; i < BATCHES; i++) {
            batches.add(DataSet.merge(examples.subList(8 * i, 8 * i + 8)));
        }
        return batches;
    }

    /** What the rule heard in each iteration of three epochs. */
    private static List<Boolean> heard(boolean withIterator, List<List<DataSet>> epochs) {
        List<Boolean> heard = new ArrayList<>();
        MultiLayerNetwork network = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(new ProbeUpdater(batch -> {
            heard.add(batch.repeatsData());
            return Step.chosen(0.05, 0.05, Outcome.REUSED);
        }), DataType.FLOAT);
        network.addListeners(new StepSizeListener());
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
        List<DataSet> shuffled = new ArrayList<>(batches(0));
        Collections.reverse(shuffled);
        List<Boolean> expected = new ArrayList<>(Collections.nCopies(2 * BATCHES, false));
        expected.addAll(Collections.nCopies(BATCHES, true));
        for (boolean withIterator : new boolean[]{true, false}) {
            assertEquals(expected, heard(withIterator, List.of(batches(0), shuffled, batches(0))));
        }
    }

    @Test
    void dataOfTheSameKindAreNot() {
        assertFalse(heard(true, List.of(batches(0), batches(BATCHES), batches(2 * BATCHES))).contains(true));
    }
}
