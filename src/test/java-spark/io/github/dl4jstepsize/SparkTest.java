package io.github.dl4jstepsize;

import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.serializer.KryoSerializer;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.kryo.Nd4jRegistrator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;

import java.io.Serializable;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * Training on a Spark cluster: updater and listener reach the workers, what a method remembers comes back from them, and
 * the accuracy is that of Adam. Run with {@code mvn test -Pspark -Dtest=SparkTest}.
 */
class SparkTest {

    private static final int WORKERS = 2;
    private static final int BATCH = 32;
    /** Less than the ten batches of LABPAL's search: it goes on across averagings. */
    private static final int AVERAGING_FREQUENCY = 6;
    private static final int BATCHES_PER_WORKER = 1536 / BATCH / WORKERS;

    /** Iterations with a record, by worker. Workers of a local cluster live in this process. */
    private static final Map<Integer, Integer> RECORDS = new ConcurrentHashMap<>();

    /** Travels to the workers as a {@link StepSizeListener} does. */
    private static final class Counter extends BaseTrainingListener implements Serializable {

        private static final long serialVersionUID = 1;

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            if (StepSizes.lastRecord(model) != null && StepSizes.lastRecord(model).iteration() == iteration) {
                RECORDS.merge(TaskContext.getPartitionId(), 1, Integer::sum);
            }
        }
    }

    private final SparkConf configuration = new SparkConf().setMaster("local[" + WORKERS + "]")
            .setAppName(SparkTest.class.getSimpleName()).set("spark.ui.enabled", "false");

    @BeforeEach
    void countAnew() {
        RECORDS.clear();
    }

    @Test
    void asAccurateAsAdamOnTheSameCluster() throws Exception {
        int epochs = 12;
        Digits digits = Digits.load();
        try (JavaSparkContext context = new JavaSparkContext(configuration)) {
            double adam = accuracy(train(context, digits, new Adam(1e-2), epochs), digits);
            double labpal = accuracy(train(context, digits, new LabPalUpdater(), epochs), digits);
            assertTrue(adam > 0.9, "Adam: " + adam);
            assertTrue(labpal > adam - Digits.NOISE, "LABPAL: " + labpal + ", Adam: " + adam);
            assertRecords(epochs);
        }
    }

    @Test
    void kryoWillDo() throws Exception {
        configuration.set("spark.serializer", KryoSerializer.class.getName())
                .set("spark.kryo.registrator", Nd4jRegistrator.class.getName());
        Digits digits = Digits.load();
        try (JavaSparkContext context = new JavaSparkContext(configuration)) {
            MultiLayerNetwork before = new MultiLayerNetwork(Digits.network(new LabPalUpdater()));
            before.init();
            MultiLayerNetwork network = train(context, digits, new LabPalUpdater(), 1);
            assertTrue(network.score(digits.test) < before.score(digits.test));
            assertRecords(1);
        }
    }

    private static void assertRecords(int epochs) {
        assertEquals(Map.of(0, epochs * BATCHES_PER_WORKER, 1, epochs * BATCHES_PER_WORKER), RECORDS);
    }

    private static MultiLayerNetwork train(JavaSparkContext context, Digits digits, IUpdater updater, int epochs) {
        // In 1.0.0-M2 the updater's state is dropped unless told otherwise, whatever the documentation says.
        ParameterAveragingTrainingMaster master = new ParameterAveragingTrainingMaster.Builder(WORKERS, 1)
                .saveUpdater(true).batchSizePerWorker(BATCH).averagingFrequency(AVERAGING_FREQUENCY)
                .rddTrainingApproach(RDDTrainingApproach.Direct).rngSeed(1).build();
        SparkDl4jMultiLayer spark = new SparkDl4jMultiLayer(context, Digits.network(updater), master);
        spark.setListeners(new StepSizeListener(), new Counter());
        JavaRDD<DataSet> data = context.parallelize(digits.train.asList(), WORKERS);
        for (int epoch = 0; epoch < epochs; epoch++) {
            spark.fit(data);
        }
        return spark.getNetwork();
    }

    private static double accuracy(MultiLayerNetwork network, Digits digits) {
        return network.evaluate(new ListDataSetIterator<>(digits.test.asList(), 100)).accuracy();
    }
}
