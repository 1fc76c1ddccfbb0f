package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.AccuracySlsUpdater;
import io.github.dl4jstepsize.GolsUpdater;
import io.github.dl4jstepsize.L4Updater;
import io.github.dl4jstepsize.LabPalUpdater;
import io.github.dl4jstepsize.PalUpdater;
import io.github.dl4jstepsize.PlsUpdater;
import io.github.dl4jstepsize.SalsaUpdater;
import io.github.dl4jstepsize.SlsUpdater;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** The updaters by their names on the command line: ours, and DL4J's with their default learning rates. */
final class Updaters {

    private static final Map<String, Supplier<IUpdater>> BY_NAME = new LinkedHashMap<>();

    static {
        BY_NAME.put("labpal", LabPalUpdater::new);
        BY_NAME.put("labpal-sgd", () -> LabPalUpdater.builder().mode(LabPalUpdater.Mode.SGD).build());
        BY_NAME.put("pal", PalUpdater::new);
        BY_NAME.put("sls", SlsUpdater::new);
        BY_NAME.put("sls-adam", () -> SlsUpdater.builder().base(new Adam()).build());
        BY_NAME.put("salsa", SalsaUpdater::new);
        BY_NAME.put("salsa-sgd", () -> SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build());
        BY_NAME.put("sa-sls", AccuracySlsUpdater::new);
        BY_NAME.put("l-sls", () -> AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.LOSS).build());
        BY_NAME.put("a-sls", () -> AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.ACCURACY).build());
        BY_NAME.put("l4", () -> L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build());
        BY_NAME.put("l4-adam", L4Updater::new);
        BY_NAME.put("gols", GolsUpdater::new);
        BY_NAME.put("pls", PlsUpdater::new);
        BY_NAME.put("adam", Adam::new);
        BY_NAME.put("sgd", Sgd::new);
        BY_NAME.put("nesterovs", Nesterovs::new);
    }

    private Updaters() {
    }

    /**
     * @param name a name in the table; DL4J's updaters may be followed by a learning rate, as in {@code sgd=0.1}
     * @throws InputException if there is no such updater
     */
    static IUpdater named(String name) {
        String[] parts = name.split("=", 2);
        Supplier<IUpdater> entry = BY_NAME.get(parts[0]);
        if (entry == null) {
            throw new InputException("there is no updater \"" + parts[0] + "\"; the updaters are "
                    + String.join(", ", BY_NAME.keySet()));
        }
        IUpdater updater = entry.get();
        if (parts.length == 2) {
            setLearningRate(updater, name, parts[1]);
        }
        return updater;
    }

    private static void setLearningRate(IUpdater updater, String name, String rate) {
        try {
            double learningRate = Double.parseDouble(rate);
            if (!(learningRate > 0 && learningRate < Double.POSITIVE_INFINITY)) {
                throw new InputException("the learning rate in \"" + name + "\" has to be greater than 0 and finite");
            }
            updater.setLrAndSchedule(learningRate, null);
        } catch (NumberFormatException e) {
            throw new InputException("the learning rate in \"" + name + "\" is no number");
        } catch (UnsupportedOperationException e) {
            throw new InputException("\"" + name + "\": this updater finds its step size itself, leave out the rate");
        }
    }

    /** The names, for picocli's help. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return BY_NAME.keySet().iterator();
        }
    }
}
