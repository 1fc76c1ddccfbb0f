package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

import java.util.Map;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Every step of the published codes' runs, reproduced through a DL4J network's fit. */
class TraceTest {

    static Stream<Arguments> traces() {
        return Stream.of("P1", "P2").flatMap(problem -> Stream.of(
                Arguments.of(problem, "PAL__default", PalUpdater.published().build()),
                Arguments.of(problem, "L4MOM__default",
                        L4Updater.published().direction(L4Updater.Direction.MOMENTUM).build()),
                Arguments.of(problem, "L4ADAM__default", L4Updater.published().build()),
                Arguments.of(problem, "PLS__default", PlsUpdater.published().build()),
                Arguments.of(problem, "LABPAL_SGD__short_adapt0.5_max100", LabPalUpdater.published()
                        .trainingSetSize(10000).searchEvery(10).approximationBatches(4)
                        .batchSchedule(Map.of(0, 1, 60, 2)).untrustedUpdates(3).averagedMeasurements(5)
                        .stepAdaptation(0.5).maxStep(100).build()),
                Arguments.of(problem, "SLS_ARMIJO__default", SlsUpdater.published().build()),
                Arguments.of(problem, "SLS_GOLDSTEIN__default",
                        SlsUpdater.published().condition(SlsUpdater.Condition.GOLDSTEIN).build()),
                Arguments.of(problem, "L_SLS__default",
                        AccuracySlsUpdater.published().metric(AccuracySlsUpdater.Metric.LOSS).build()),
                Arguments.of(problem, "A_SLS__default",
                        AccuracySlsUpdater.published().metric(AccuracySlsUpdater.Metric.ACCURACY).build()),
                Arguments.of(problem, "SA_SLS__default", AccuracySlsUpdater.published().build()),
                Arguments.of(problem, "SALSA__default", SalsaUpdater.published().build()),
                Arguments.of(problem, "SALSA__mv", SalsaUpdater.published().momentumInSearch(true).build()),
                Arguments.of(problem, "SALSA__nospeedup", SalsaUpdater.published().adaptiveFrequency(false).build()),
                Arguments.of(problem, "SALSA__mv_nospeedup",
                        SalsaUpdater.published().momentumInSearch(true).adaptiveFrequency(false).build())));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("traces")
    void followsTheTrace(String problem, String name, StepSizeUpdater updater) {
        Trace trace = Trace.of(problem, name);
        MultiLayerNetwork network = trace.network(updater);
        int compared = 0;
        int forwardPasses = 0;
        int tracedForwardPasses = 0;
        for (Trace.Row row : trace.rows) {
            String where = problem + " " + name + " step " + (int) row.get("step") + " ";
            DataSet batch = trace.batch(row);
            network.fit(batch);
            StepRecord record = StepSizes.lastRecord(network);
            forwardPasses += record.forwardPasses() + 1;
            tracedForwardPasses += tracedForwardPasses(row);
            // LABPAL measures its trial points batch by batch, the published code when it has all batches. PLS makes one
            // pass per example, the published code one for all.
            if (name.startsWith("PLS")) {
                assertEquals(row.get("step") == 0 ? 2 : 1, record.gradientPasses(), where);
            } else if (!name.startsWith("LABPAL") || record.outcome() == Outcome.REUSED && batchesPerUpdateIsOne(row)) {
                assertEquals(tracedForwardPasses, forwardPasses, where + "forward passes");
            }
            if (row.isChaotic()) {
                continue;
            }
            compared++;
            assertClose(row, "loss_before", record.loss(), where);
            assertClose(row, "loss_after", network.score(batch), where);
            assertClose(row, "step_size", record.stepSize(), where);
            // LABPAL's column holds the rate kept for later, the record the factor of this very step.
            // PLS has none in its first step, which is on its way to a first trial.
            if ((!name.startsWith("LABPAL") || record.outcome() == Outcome.REUSED) && !Double.isNaN(row.get("lr"))) {
                assertClose(row, "lr", record.learningRate(), where);
            }
            assertClose(row, "param_norm", network.params().norm2Number().doubleValue(), where);
            for (String column : row.columns) {
                if (column.contains("[")) {
                    assertClose(row, column, Trace.entry(network, column), where);
                }
            }
        }
        assertTrue(compared > trace.rows.size() / 2, compared + " of " + trace.rows.size() + " rows compared");
        Trace.Row end = trace.rows.get(trace.rows.size() - 1);
        if (!end.isChaotic()) {
            trace.finalParameters().forEach((key, value) -> {
                // 9 digits in P2's files.
                double tolerance = Math.max(end.tolerance(), 1e-8);
                INDArray parameter = network.getParam(key);
                double difference = parameter.sub(value.reshape(parameter.shape())).norm2Number().doubleValue()
                        / value.norm2Number().doubleValue();
                assertEquals(0, difference, tolerance, problem + " " + name + " final " + key);
            });
        }
    }

    /** The published l-, a- and sa-SLS evaluate F(0) and F(epsilon) in every trial; here once, F(0) in the training pass. */
    private static int tracedForwardPasses(Trace.Row row) {
        return row.columns.contains("n_tries") ? (int) row.get("n_tries") + 2 : (int) row.get("n_forward");
    }

    private static boolean batchesPerUpdateIsOne(Trace.Row row) {
        return row.get("train_batch_size") == 1;
    }

    private static void assertClose(Trace.Row row, String column, double actual, String where) {
        double expected = row.get(column);
        if (Double.isNaN(expected)) {
            assertEquals(expected, actual, where + column);
            return;
        }
        double tolerance = row.tolerance() * Math.max(Math.abs(expected), 1e-3);
        assertEquals(expected, actual, tolerance, where + column);
    }
}
