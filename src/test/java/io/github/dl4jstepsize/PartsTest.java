package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Training passes on parts of a batch. */
class PartsTest {

    private static final int BATCHES = 3;

    /** The whole batch, once more, has the training pass' loss and gradient, regularisation included. */
    @ParameterizedTest
    @EnumSource(value = Problem.class, mode = EnumSource.Mode.MATCH_NONE, names = "TRUNCATED_.*|MLP_CLIPPED")
    void oneWholePartIsTheTrainingPass(Problem problem) {
        Model model = problem.network(new ProbeUpdater(batch -> {
            batch.memory(0).assign(batch.gradient());
            double[] difference = new double[1];
            batch.gradients(0, batch.memory(0), 1, (size, loss, gradient) -> {
                assertEquals(batch.size(), size);
                assertEquals(batch.loss(), loss, 1e-12 * Math.abs(loss));
                batch.memory(0).add(-1, gradient);
                difference[0] = batch.memory(0).norm() / gradient.norm();
            });
            assertEquals(0, difference[0], 1e-12);
            return Step.chosen(0.05, 0.05, Outcome.REUSED);
        }), DataType.DOUBLE);
        model.addListeners(new StepSizeListener());
        problem.fit(model, BATCHES);
        assertEquals(1, StepSizes.lastRecord(model).gradientPasses());
    }

    @ParameterizedTest
    @EnumSource(value = Problem.class, mode = EnumSource.Mode.MATCH_NONE, names = "TRUNCATED_.*")
    void nobodyNoticesThem(Problem problem) {
        int[] heard = new int[2];
        int[] parts = new int[1];
        Model[] models = new Model[2];
        for (int i = 0; i < 2; i++) {
            boolean withParts = i == 1;
            int which = i;
            models[i] = problem.network(new ProbeUpdater(batch -> {
                if (withParts) {
                    batch.memory(0).assign(batch.gradient());
                    batch.gradients(0.1, batch.direction(), 3, (size, loss, gradient) -> {
                        parts[0]++;
                        assertTrue(Double.isFinite(loss) && gradient.norm() > 0);
                        assertTrue(batch.memory(0).distance(gradient) > 0, "the part's");
                        assertEquals(0, batch.memory(0).distance(batch.gradient()), "the whole batch's can be seen");
                    });
                }
                return Step.chosen(0.05, 0.05, Outcome.REUSED);
            }), DataType.FLOAT);
            models[i].addListeners(new StepSizeListener(), new BaseTrainingListener() {
                @Override
                public void onBackwardPass(Model model) {
                    heard[which]++;
                }
            });
            Nd4j.getRandom().setSeed(7);
            problem.fit(models[i], BATCHES);
        }
        assertEquals(3 * BATCHES, parts[0]);
        assertEquals(1, StepSizes.lastRecord(models[1]).gradientPasses());
        assertEquals(heard[0], heard[1]);
        assertEquals(models[0].score(), models[1].score());
        assertEquals(0.0, ForwardPassTest.maxDifference(models[0].params(), models[1].params()));
    }

    @Test
    void truncatedBackpropagationIsRefused() {
        Model model = Problem.TRUNCATED_LSTM.network(new PlsUpdater(), DataType.FLOAT);
        model.addListeners(new StepSizeListener());
        IllegalStateException thrown = assertThrows(IllegalStateException.class,
                () -> Problem.TRUNCATED_LSTM.fit(model, 1));
        assertTrue(thrown.getMessage().contains("parts of a batch"), thrown.getMessage());
    }

    /** Sums over a batch are not comparable with those over its parts. */
    @Test
    void sumsInPlaceOfMeansAreRefused() {
        Model model = Problem.MLP_CLIPPED.build(new NeuralNetConfiguration.Builder().updater(new PlsUpdater()).miniBatch(false));
        model.addListeners(new StepSizeListener());
        INDArray before = model.params().dup();
        String message = assertThrows(IllegalStateException.class, () -> Problem.MLP_CLIPPED.fit(model, 1)).getMessage();
        assertTrue(message.contains("PlsUpdater") && message.contains("miniBatch(false)"), message);
        assertEquals(before, model.params());
    }
}
